//! Many questions at once, each of which may take long, or have no answer at all.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// How often it is looked whether one thread is enough.
const GLANCE: Duration = Duration::from_millis(10);

/// It is while so many answers come in that time: they are read from a file, say, and more threads
/// would only cost.
const ENOUGH: usize = 10;

/// Asks all questions, and gives back the answers that come within `patience`, in any order.
///
/// Up to `most` threads do it when the answers take long. Those that still wait for one at the
/// end are left to themselves: they ask nothing more, and do not keep the process from ending.
pub fn ask_all<Q, A>(
    questions: Vec<Q>,
    ask: fn(Q) -> A,
    most: usize,
    patience: Duration,
) -> Vec<(Q, A)>
where
    Q: Copy + Send + 'static,
    A: Send + 'static,
{
    if questions.is_empty() || patience.is_zero() {
        return Vec::new();
    }
    let count = questions.len();
    let deadline = Instant::now() + patience;
    let inquiry = Arc::new(Inquiry {
        state: Mutex::new(State {
            questions,
            answers: Vec::with_capacity(count),
        }),
        count,
        complete: Condvar::new(),
    });
    if inquiry.start(ask, 1) == 0 {
        // Whoever cannot have a thread asks without one, and waits as long as it takes.
        inquiry.work(ask);
    }
    let left = || deadline.saturating_duration_since(Instant::now());
    let mut answered = 0;
    let mut state = inquiry.lock();
    loop {
        state = inquiry.wait(state, left().min(GLANCE));
        let new = state.answers.len() - answered;
        answered += new;
        if answered == count || new < ENOUGH {
            break;
        }
    }
    let more = state.questions.len().min(most.saturating_sub(1));
    drop(state);
    inquiry.start(ask, more);
    let mut state = inquiry.wait(inquiry.lock(), left());
    state.questions.clear();
    std::mem::take(&mut state.answers)
}

struct Inquiry<Q, A> {
    state: Mutex<State<Q, A>>,
    /// How many questions there are in all.
    count: usize,
    /// Told when all are answered.
    complete: Condvar,
}

struct State<Q, A> {
    /// Those that nobody has asked yet.
    questions: Vec<Q>,
    answers: Vec<(Q, A)>,
}

impl<Q, A> Inquiry<Q, A>
where
    Q: Copy + Send + 'static,
    A: Send + 'static,
{
    /// Starts threads, and tells how many there are of those that were wanted.
    fn start(self: &Arc<Self>, ask: fn(Q) -> A, wanted: usize) -> usize {
        let start = |_: &usize| {
            let inquiry = Arc::clone(self);
            let thread = thread::Builder::new().spawn(move || inquiry.work(ask));
            thread.is_ok()
        };
        (0..wanted).take_while(start).count()
    }

    /// Asks one question after the other.
    fn work(&self, ask: fn(Q) -> A) {
        let mut state = self.lock();
        while let Some(question) = state.questions.pop() {
            drop(state);
            let answer = ask(question);
            state = self.lock();
            state.answers.push((question, answer));
            if state.answers.len() == self.count {
                self.complete.notify_all();
            }
        }
    }

    /// Waits until all is answered, but not longer than `patience`.
    fn wait<'a>(
        &self,
        state: MutexGuard<'a, State<Q, A>>,
        patience: Duration,
    ) -> MutexGuard<'a, State<Q, A>> {
        let is_open = |state: &mut State<Q, A>| state.answers.len() < self.count;
        match self.complete.wait_timeout_while(state, patience, is_open) {
            Ok((state, _)) => state,
            Err(poisoned) => poisoned.into_inner().0,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State<Q, A>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SLOW: Duration = Duration::from_millis(30);

    #[test]
    fn each_question_is_answered_once() {
        let mut answers = ask_all((0..100).collect(), |n: u32| n * 2, 4, SLOW * 100);
        answers.sort_unstable();
        assert_eq!(answers, (0..100).map(|n| (n, n * 2)).collect::<Vec<_>>());
        assert!(ask_all(vec![], |n: u32| n, 4, SLOW).is_empty());
    }

    #[test]
    fn slow_answers_are_waited_for_together() {
        let start = Instant::now();
        let answers = ask_all(
            (0..32).collect(),
            |_: u32| thread::sleep(SLOW),
            32,
            SLOW * 100,
        );
        assert_eq!(answers.len(), 32);
        assert!(start.elapsed() < SLOW * 16);
    }

    #[test]
    fn what_is_not_answered_in_time_is_left_out() {
        let ask = |n: u32| {
            if n % 2 == 1 {
                thread::sleep(Duration::from_secs(3600));
            }
        };
        let answers = ask_all((0..8).collect(), ask, 8, SLOW * 3);
        let mut answered: Vec<u32> = answers.into_iter().map(|(question, ())| question).collect();
        answered.sort_unstable();
        assert_eq!(answered, [0, 2, 4, 6]);
        assert!(ask_all(vec![0], |n: u32| n, 8, Duration::ZERO).is_empty());
    }
}
