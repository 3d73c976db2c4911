//! What passed and what did not, for people and for scripts.

use std::collections::BTreeMap;

#[derive(Default)]
pub struct Report {
    groups: BTreeMap<String, Count>,
    excused: Vec<String>,
}

#[derive(Default, Clone, Copy)]
struct Count {
    passed: usize,
    failed: usize,
}

impl Report {
    /// Counts a test named `group/name`.
    pub fn pass(&mut self, name: &str) {
        self.group(name).passed += 1;
    }

    /// Counts a test that differs as the real program does on this kernel.
    pub fn excuse(&mut self, name: &str) {
        self.pass(name);
        self.excused.push(name.to_owned());
    }

    /// Counts a test and prints what was wrong.
    pub fn fail(&mut self, name: &str, why: &str) {
        self.group(name).failed += 1;
        println!("FAIL {name}\n{}", why.trim_end());
    }

    /// Prints the counts; says whether something ran, and all of it passed.
    pub fn close(self) -> bool {
        let mut all = Count::default();
        println!();
        for (name, count) in &self.groups {
            let failed = if count.failed > 0 {
                format!(", {} failed", count.failed)
            } else {
                String::new()
            };
            println!("  {name}: {} passed{failed}", count.passed);
            all.passed += count.passed;
            all.failed += count.failed;
        }
        for name in &self.excused {
            println!("differs on this kernel, as the real ipvsadm does: {name}");
        }
        println!("{} passed, {} failed", all.passed, all.failed);
        all.failed == 0 && all.passed > 0
    }

    fn group(&mut self, name: &str) -> &mut Count {
        let group = name.split('/').next().unwrap_or(name);
        self.groups.entry(group.to_owned()).or_default()
    }
}
