//! The rows of scripts, tracked things, sync groups and instances.

use super::global::TIME_OR_NONE;
use super::{Block, Entry, Keyword, row};
use crate::conf::value::Form as F;
use crate::conf::value::Kind::{self, *};

const I: &[Block] = &[Block::Instance];
const S: &[Block] = &[Block::Script];
const F: &[Block] = &[Block::TrackFile];
const P: &[Block] = &[Block::TrackProcess];
const B: &[Block] = &[Block::Bfd];
const A: &[Block] = &[Block::Authentication];
const SYNC: &[Block] = &[Block::SyncGroup];
const GARP: &[Block] = &[Block::GarpGroup];
const BOTH: &[Block] = &[Block::SyncGroup, Block::Instance];
/// Fractions since keepalived 2.3.2; 0 is an old word for 1.
const RUN_TIME: Kind = Seconds(0, 4_294_000_000);
const VMAC: &str = "virtual MAC addresses";

#[rustfmt::skip]
pub(super) const TRACKERS: &[Keyword] = &[
    row(&[Block::TrackGroup, Block::SyncGroup], "group", Flag, "", "The instances").list(Entry::Names),
    row(F, "file", Text, "", "The file").once(),
    row(F, "weight", Weight(254), "1", "Times the number in the file; 0 for a number that says good (0) or bad").once(),
    row(F, "init_file", Form(F::InitFile), "", "Make the file: [VALUE] [overwrite]").may(),
    row(P, "process", Words, "", "Its name, or its command line").once(),
    row(P, "param_match", Choice(&["initial", "partial"]), "", "The command line only begins so, or has it in it").may(),
    row(P, "weight", Weight(254), "0", "What it does to priorities").once(),
    row(P, "quorum", Number(1, 65535), "1", "How many of them must run"),
    row(P, "quorum_max", Number(0, 65535), "", "How many of them may run"),
    row(P, "delay", Seconds(1, 3_600_000_000), "0", "Wait so long before a change counts"),
    row(P, "fork_delay", Seconds(1, 3_600_000_000), "0", "The same when it starts"),
    row(P, "terminate_delay", Seconds(1, 3_600_000_000), "0", "The same when it ends"),
    row(P, "full_command", Flag, "", "Look at the whole command line"),
    row(S, "script", Command, "", "The program and its arguments"),
    row(S, "interval", RUN_TIME, "1", "The time from run to run"),
    row(S, "timeout", RUN_TIME, "interval", "How long a run may take"),
    row(S, "weight", Weight(253), "0", "Added to priorities while the script succeeds (positive) or fails (negative); 0 for a fault"),
    row(S, "rise", Number(1, 2_147_483_647), "1", "How many successes make it good"),
    row(S, "fall", Number(1, 2_147_483_647), "1", "How many failures make it bad"),
    row(S, "user", Words, "script_user", "Who runs it: an account, and a group if not its own"),
    row(S, "init_fail", Flag, "", "It is bad until it has succeeded"),
    row(GARP, "garp_interval", TIME_OR_NONE, "", "The least time between two messages"),
    row(GARP, "gna_interval", TIME_OR_NONE, "", "The same for IPv6"),
    row(GARP, "interface", Interface, "", "The interface"),
    row(GARP, "interfaces", Flag, "", "The interfaces").list(Entry::Names),
    row(B, "neighbor_ip", Address, "", "The other side"),
    row(B, "source_ip", Address, "", "Our side"),
    row(B, "min_rx", Number(1, 4_294_967), "10", "Milliseconds"),
    row(B, "min_tx", Number(1, 4_294_967), "10", "Milliseconds"),
    row(B, "idle_tx", Number(1000, 4_294_967), "1000", "Milliseconds"),
    row(B, "multiplier", Number(1, 255), "5", "How many may be missed"),
    row(B, "passive", Flag, "", "Wait for the other side"),
    row(B, "ttl", Number(1, 255), "255", "Time to live"),
    row(B, "hoplimit", Number(1, 255), "64", "Time to live, IPv6"),
    row(B, "max_hops", Number(-1, 255), "0", "How far away it may be"),
    row(B, "weight", Weight(253), "0", "What it does to priorities"),
    row(B, "vrrp", Flag, "", "For VRRP alone"),
    row(B, "checker", Flag, "", "For checkers alone"),
    row(BOTH, "track_interface", Flag, "", "Interfaces that must be up").list(Entry::Trackers(253)),
    row(BOTH, "track_script", Flag, "", "Scripts that must succeed").list(Entry::Trackers(253)),
    row(BOTH, "track_file", Flag, "", "Files that are watched").list(Entry::Trackers(254)),
    row(BOTH, "track_process", Flag, "", "Processes that must run").list(Entry::Trackers(254)),
    row(BOTH, "track_bfd", Flag, "", "BFD sessions that must be up").list(Entry::Trackers(253)).not("BFD"),
    row(BOTH, "notify_master", Command, "", "Run on becoming master").once(),
    row(BOTH, "notify_backup", Command, "", "Run on becoming backup").once(),
    row(BOTH, "notify_fault", Command, "", "Run on a fault").once(),
    row(BOTH, "notify_stop", Command, "", "Run at the end").once(),
    row(I, "notify_deleted", Command, "", "Run when a reload removes it; without it that is a fault").may().once(),
    row(BOTH, "notify", Command, "", "Run on each change, with INSTANCE or GROUP, the name, the state and the priority").once(),
    row(I, "notify_master_rx_lower_pri", Command, "", "Run when a master hears one of lower priority").once(),
    row(BOTH, "notify_priority_changes", Switch, "vrrp_notify_priority_changes", "Tell changes of priority to the FIFOs"),
    row(BOTH, "smtp_alert", Switch, "off", "Mail on changes"),
    row(SYNC, "global_tracking", Flag, "", "What a member tracks counts for all").old("track_interface and so on in the group"),
    row(SYNC, "sync_group_tracking_weight", Flag, "", "Trackers of members may have weights"),
];

#[rustfmt::skip]
pub(super) const INSTANCE: &[Keyword] = &[
    row(I, "state", Choice(&["MASTER", "BACKUP"]), "MASTER with priority 255, else BACKUP", "What we would like to be; each instance begins as backup and waits"),
    row(I, "interface", Interface, "", "Where adverts go"),
    row(I, "virtual_router_id", Number(1, 255), "", "The number of the virtual router on its network"),
    row(I, "priority", Number(1, 255), "100", "The highest becomes master; 255 owns the addresses"),
    row(I, "advert_int", Seconds(10_000, 255_000_000), "1", "The time between adverts: whole seconds, or with version 3 hundredths up to 40.95"),
    row(I, "version", Number(2, 3), "vrrp_version; 3 with IPv6", "The version of VRRP"),
    row(I, "virtual_ipaddress", Flag, "", "The addresses (VIP) of the virtual router").list(Entry::Addresses),
    row(I, "virtual_ipaddress_excluded", Flag, "", "Addresses that move with them and are not in the adverts").list(Entry::Addresses),
    row(I, "virtual_routes", Flag, "", "Routes of the master").list(Entry::Routes),
    row(I, "virtual_rules", Flag, "", "Rules of the master").list(Entry::Rules),
    row(I, "promote_secondaries", Flag, "", "Other addresses of the network stay when the first goes"),
    row(I, "authentication", Flag, "", "The password of version 2").block(Block::Authentication),
    row(A, "auth_type", Choice(&["PASS", "AH"]), "", "A password in each advert, or IPsec AH"),
    row(A, "auth_pass", Text, "", "The password: the first 8 bytes count"),
    row(I, "unicast_src_ip", Address, "the address of the interface", "Where unicast adverts come from"),
    row(I, "unicast_peer", Flag, "", "Adverts go to these addresses, not to the group").list(Entry::Peers),
    row(I, "unicast_ttl", Number(0, 255), "255", "The time to live of unicast adverts"),
    row(I, "unicast_fault_no_peer", Flag, "", "A fault, not multicast, while there is no peer"),
    row(I, "check_unicast_src", Flag, "", "Take unicast adverts from peers only"),
    row(I, "mcast_src_ip", Address, "the address of the interface", "Where multicast adverts come from"),
    row(I, "mcast_dst_ip", Group, "vrrp_mcast_group4 or 6", "The group of adverts"),
    row(I, "track_src_ip", Flag, "", "A fault while the source address is not there"),
    row(I, "old_unicast_checksum", Choice(&["never"]), "", "The checksum of unicast adverts as up to keepalived 1.3.6").may(),
    row(I, "vrf", Interface, "", "The VRF of unicast adverts without an interface"),
    row(I, "nopreempt", Flag, "", "Do not take over from a master that runs; needs state BACKUP"),
    row(I, "preempt", Flag, "", "Take over from a master of lower priority (the default)"),
    row(I, "preempt_delay", Seconds(0, 1_000_000_000), "0", "Wait so long before that"),
    row(I, "accept", Flag, "", "Take packets to the virtual addresses (the default)"),
    row(I, "no_accept", Flag, "", "Do not"),
    row(I, "skip_check_adv_addr", Switch, "vrrp_skip_check_adv_addr", "Compare the addresses of an advert when its sender changes, not each time"),
    row(I, "strict_mode", Switch, "vrrp_strict", "Do what the RFC says, and nothing else"),
    row(I, "dont_track_primary", Flag, "", "Do not care whether the interface is up"),
    row(I, "use_vmac", Form(F::Vmac), "", "A virtual MAC address: [INTERFACE] [MAC], in one line or two").may(),
    row(I, "vmac_xmit_base", Flag, "", "Adverts leave through the interface below"),
    row(I, "use_vmac_addr", Flag, "", "A virtual MAC address for addresses of other interfaces too"),
    row(I, "use_ipvlan", Words, "", "An ipvlan interface: [INTERFACE] [ADDRESS] [bridge|private|vepa]").may().once().not(VMAC),
    row(I, "native_ipv6", Flag, "", "IPv6, where no address tells"),
    row(I, "garp_master_delay", WholeSeconds(4294), "vrrp_garp_master_delay", "See there"),
    row(I, "garp_master_repeat", Number(1, 4_294_967_295), "vrrp_garp_master_repeat", "See there"),
    row(I, "garp_master_refresh", WholeSeconds(86_400), "vrrp_garp_master_refresh", "See there"),
    row(I, "garp_master_refresh_repeat", Number(1, 4_294_967_295), "vrrp_garp_master_refresh_repeat", "See there"),
    row(I, "garp_lower_prio_delay", WholeSeconds(4294), "vrrp_garp_lower_prio_delay", "See there"),
    row(I, "garp_lower_prio_repeat", Number(0, 4_294_967_295), "vrrp_garp_lower_prio_repeat", "See there"),
    row(I, "garp_extra_if", Form(F::ExtraInterfacesOrNone), "vrrp_garp_extra_if", "See there"),
    row(I, "vmac_garp_intvl", Form(F::ExtraInterfacesOrNone), "", "As garp_extra_if").old("garp_extra_if"),
    row(I, "down_timer_adverts", Number(1, 100), "vrrp_down_timer_adverts", "See there"),
    row(I, "lower_prio_no_advert", Switch, "vrrp_lower_prio_no_advert", "See there"),
    row(I, "higher_prio_send_advert", Switch, "vrrp_higher_prio_send_advert", "See there"),
    row(I, "lvs_sync_daemon_interface", Interface, "", "Synchronise IPVS connections").old("lvs_sync_daemon in global_defs"),
    row(I, "kernel_rx_buf_size", Number(0, 4_294_967_295), "", "Bytes for adverts").not("netlink buffers: ours fit by themselves"),
    row(I, "linkbeat_use_polling", Flag, "", "Poll the state of the link").old("linkbeat_interfaces"),
    row(I, "debug", Number(0, 4), "0", "No effect").not("debug levels of keepalived"),
];
