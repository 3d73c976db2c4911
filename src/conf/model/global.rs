//! `global_defs` and `SSL`.

use std::net::IpAddr;
use std::time::Duration;

use super::{Common, Settings, seconds};
use crate::conf::field::Field;
use crate::conf::keywords;
use crate::conf::lists::Name;
use crate::conf::value::Command;
use crate::ipvs::InterfaceName;

settings! {
    /// What holds for all: `global_defs`.
    Global of Global {
        /// The name in mails and logs; the name of the host when absent.
        "router_id" router_id: Option<String> = None,
        /// Who gets mail.
        "notification_email" mail_to: Vec<Name> = Vec::new(),
        /// Who sends it.
        "notification_email_from" mail_from: Option<String> = None,
        /// The mail server: a host, and a port if not 25.
        "smtp_server" smtp_server: Option<Vec<String>> = None,
        /// How the mail server is greeted; the name of the host when absent.
        "smtp_helo_name" smtp_helo_name: Option<String> = None,
        /// How many seconds it has.
        "smtp_connect_timeout" smtp_connect_timeout: u32 = 30,
        /// Whether there is mail on changes, where nothing nearer says so.
        "smtp_alert" smtp_alert: Option<bool> = None,
        /// The same for VRRP.
        "smtp_alert_vrrp" smtp_alert_vrrp: Option<bool> = None,
        /// The same for checkers.
        "smtp_alert_checker" smtp_alert_checker: Option<bool> = None,
        /// No mail on faults.
        "no_email_faults" no_email_faults: bool = false,
        /// Mail only when a real server comes or goes.
        "no_checker_emails" no_checker_emails: bool = false,
        /// Log each check that fails.
        "checker_log_all_failures" checker_log_all_failures: bool = false,
        /// Run `notify_up` at the start too.
        "rs_init_notifies" rs_init_notifies: bool = false,
        /// The interface of static addresses; eth0 when absent.
        "default_interface" default_interface: Option<InterfaceName> = None,
        /// The account, and the group if not its own, that runs scripts.
        "script_user" script_user: Option<Vec<String>> = None,
        /// Run no script as root that others can change.
        "enable_script_security" script_security: bool = false,
        /// Run before all else.
        "startup_script" startup_script: Option<Command> = None,
        /// How many seconds it has.
        "startup_script_timeout" startup_script_timeout: u32 = 10,
        /// Run after all else.
        "shutdown_script" shutdown_script: Option<Command> = None,
        /// How many seconds it has.
        "shutdown_script_timeout" shutdown_script_timeout: u32 = 10,
        /// The version of IPv4 instances that name none.
        "vrrp_version" version: u8 = 2,
        /// The group of IPv4 adverts.
        "vrrp_mcast_group4" mcast_group4: Option<IpAddr> = Some(IpAddr::V4(std::net::Ipv4Addr::new(224, 0, 0, 18))),
        /// The group of IPv6 adverts.
        "vrrp_mcast_group6" mcast_group6: Option<IpAddr> = Some(IpAddr::V6(std::net::Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0x12))),
        /// From the first burst of gratuitous ARP to the second; 0 for none.
        "vrrp_garp_master_delay" garp_master_delay: Duration = seconds(5),
        /// How many messages a burst has for each address.
        "vrrp_garp_master_repeat" garp_master_repeat: u32 = 5,
        /// How often a master repeats them; 0 for never.
        "vrrp_garp_master_refresh" garp_master_refresh: Duration = Duration::ZERO,
        /// How many messages it then sends.
        "vrrp_garp_master_refresh_repeat" garp_master_refresh_repeat: u32 = 1,
        /// As `garp_master_delay`, after an advert of lower priority.
        "vrrp_garp_lower_prio_delay" garp_lower_prio_delay: Option<Duration> = None,
        /// As `garp_master_repeat`, after an advert of lower priority.
        "vrrp_garp_lower_prio_repeat" garp_lower_prio_repeat: Option<u32> = None,
        /// The least time between two messages on an interface.
        "vrrp_garp_interval" garp_interval: Option<Duration> = None,
        /// The same for IPv6.
        "vrrp_gna_interval" gna_interval: Option<Duration> = None,
        /// One message, and no second burst.
        "vrrp_min_garp" min_garp: bool = false,
        /// Also on other interfaces: `[all] SECONDS`.
        "vrrp_garp_extra_if" | "vrrp_vmac_garp_intvl" garp_extra_if: Option<Vec<String>> = None,
        /// How many adverts must be missed.
        "vrrp_down_timer_adverts" down_timer_adverts: u8 = 3,
        /// Do not answer adverts of lower priority.
        "vrrp_lower_prio_no_advert" lower_prio_no_advert: bool = false,
        /// Send an advert before giving way.
        "vrrp_higher_prio_send_advert" higher_prio_send_advert: bool = true,
        /// Do what the RFC says, and nothing else.
        "vrrp_strict" strict: bool = false,
        /// Take unicast adverts from peers only.
        "vrrp_check_unicast_src" check_unicast_src: bool = false,
        /// Compare the addresses of an advert only when its sender changes.
        "vrrp_skip_check_adv_addr" skip_check_adv_addr: bool = false,
        /// Tell changes of priority to the FIFOs.
        "vrrp_notify_priority_changes" notify_priority_changes: bool = false,
        /// Log adverts of unknown routers.
        "log_unknown_vrids" log_unknown_vrids: bool = false,
        /// Wait so long after the start; not at all when absent.
        "vrrp_startup_delay" startup_delay: Option<Duration> = None,
        /// Interfaces may come later; the word may be `allow_if_changes`.
        "dynamic_interfaces" dynamic_interfaces: Option<String> = None,
        /// No IGMP for virtual MAC addresses.
        "disable_local_igmp" disable_local_igmp: bool = false,
        /// How the names of VMAC interfaces begin; vrrp when absent.
        "vmac_prefix" vmac_prefix: Option<String> = None,
        /// The same for those of other interfaces.
        "vmac_addr_prefix" vmac_addr_prefix: Option<String> = None,
        /// What the VRRP process is called.
        "vrrp_process_name" vrrp_process_name: Option<String> = None,
        /// How nice the VRRP process is, -20 to 19.
        "vrrp_priority" vrrp_niceness: Option<i32> = None,
        /// Its priority before all ordinary processes, 1 to 99.
        "vrrp_rt_priority" vrrp_real_time: Option<u8> = None,
        /// How many microseconds it may then compute without a pause.
        "vrrp_rlimit_rttime" | "vrrp_rlimit_rtime" vrrp_real_time_limit: Option<u32> = None,
        /// Whether it is never swapped.
        "vrrp_no_swap" vrrp_no_swap: bool = false,
        /// The CPUs that it runs on.
        "vrrp_cpu_affinity" vrrp_cpus: Option<Vec<String>> = None,
        /// What the process that makes checks is called.
        "checker_process_name" | "lvs_process_name" checker_process_name: Option<String> = None,
        /// How nice it is, -20 to 19.
        "checker_priority" checker_niceness: Option<i32> = None,
        /// Its priority before all ordinary processes, 1 to 99.
        "checker_rt_priority" checker_real_time: Option<u8> = None,
        /// How many microseconds it may then compute without a pause.
        "checker_rlimit_rttime" | "checker_rlimit_rtime" checker_real_time_limit: Option<u32> = None,
        /// Whether it is never swapped.
        "checker_no_swap" checker_no_swap: bool = false,
        /// The CPUs that it runs on.
        "checker_cpu_affinity" checker_cpus: Option<Vec<String>> = None,
        /// Synchronise connections: interface, instance, options.
        "lvs_sync_daemon" sync_daemon: Option<Vec<String>> = None,
        /// Timeouts of connections.
        "lvs_timeouts" timeouts: Option<Vec<String>> = None,
        /// Empty the table at the start.
        "lvs_flush" flush: bool = false,
        /// Empty the table at the end; `VS` deletes services alone.
        "lvs_flush_on_stop" flush_on_stop: Option<String> = None,
        /// A FIFO for all changes.
        "notify_fifo" notify_fifo: Option<Command> = None,
        /// A program that reads it.
        "notify_fifo_script" notify_fifo_script: Option<Command> = None,
        /// A FIFO for changes of instances.
        "vrrp_notify_fifo" vrrp_notify_fifo: Option<Command> = None,
        /// A program that reads it.
        "vrrp_notify_fifo_script" vrrp_notify_fifo_script: Option<Command> = None,
        /// A FIFO for changes of servers.
        "lvs_notify_fifo" lvs_notify_fifo: Option<Command> = None,
        /// A program that reads it.
        "lvs_notify_fifo_script" lvs_notify_fifo_script: Option<Command> = None,
        /// Tell all states again after a reload.
        "fifo_write_vrrp_states_on_reload" fifo_states_on_reload: bool = false,
        /// The mode of files that are made.
        "umask" umask: Option<Vec<String>> = None,
        /// Where random numbers begin.
        "random_seed" random_seed: Option<u32> = None,
        /// Check a file before it is loaded again; the word may be a log file.
        "reload_check_config" reload_check_config: Option<String> = None,
        /// How strict `include` is.
        "include_check" include_check: Option<Vec<String>> = None,
    } and {}
}

settings! {
    /// The certificate that `SSL_GET` shows.
    SslGlobal of SslGlobal {
        /// The password of the key.
        "password" password: Option<String> = None,
        /// The file of authorities.
        "ca" ca: Option<String> = None,
        /// The file of the certificate.
        "certificate" certificate: Option<String> = None,
        /// The file of the key.
        "key" key: Option<String> = None,
    } and {}
}
