# shellcheck shell=bash
# Sourced by the scripts beside it: what they need on a fresh Debian machine, installed if root
# calls, else named. To be sourced in the root of the project, with `set -euo pipefail` or not.

program=${0##*/}
umask 022 # some lab tests run what is built as an ordinary user
export PATH="$PATH:/usr/sbin:/sbin:${HOME:-/root}/.cargo/bin"

# The oldest cargo that builds this project.
oldest_cargo=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)

# Something is missing on this machine.
die() {
	echo "$program: $1" >&2
	[ -z "${2-}" ] || echo "hint: $2" >&2
	exit 69
}

is_root() { [ "$(id -u)" -eq 0 ]; }

install="apt-get install -y --no-install-recommends"

# install_packages PACKAGE... - as root.  nginx must not serve this machine's port 80 by that, now
# or after the next boot: under systemd it is masked meanwhile and disabled then, elsewhere
# runlevel 1 has no nginx.
install_packages() {
	local masked='' status=0
	command -v apt-get >/dev/null || die "no apt-get to install $* with: this is made for Debian"
	echo "$program: $install $*" >&2
	if [[ " $* " == *" nginx-light "* ]] && [ -d /run/systemd/system ]; then
		systemctl mask --quiet --runtime nginx.service 2>/dev/null && masked=yes
	fi
	export DEBIAN_FRONTEND=noninteractive
	# The package lists may be absent or out of date: then update, try again.
	RUNLEVEL=1 $install -qq "$@" >/dev/null 2>&1 ||
		{ apt-get update -qq && RUNLEVEL=1 $install -qq "$@" >/dev/null; } ||
		status=69
	if [ -n "$masked" ]; then
		systemctl unmask --quiet --runtime nginx.service
		systemctl disable --quiet nginx.service
	fi
	[ $status -eq 0 ] || die "cannot install $*"
}

# need COMMAND:PACKAGE... - have these commands.
need() {
	local entry missing=()
	for entry; do
		command -v "${entry%%:*}" >/dev/null || missing+=("${entry#*:}")
	done
	[ ${#missing[@]} -gt 0 ] || return 0
	is_root || die "Debian packages are missing: ${missing[*]}" "as root: $install ${missing[*]}"
	install_packages "${missing[@]}"
}

# need_lab - have what the lab needs.  Only root can use this machine's own kernel, so for others
# it is QEMU, and the lab can look for that now, to say at once all that is missing.
need_lab() {
	is_root || scripts/lab fetch >/dev/null
}

# Whether version $1 is at least $2.
at_least() { printf '%s\n' "$2" "$1" | sort -V -C; }

# Prints the version of the Debian package cargo that apt-get would install.
cargo_candidate() {
	{ apt-cache policy cargo 2>/dev/null || true; } |
		sed -n 's/^ *Candidate: \([0-9]\)/\1/p'
}

# need_cargo - have a cargo that is new enough, and a C compiler for it to link with.
need_cargo() {
	local found candidate hint="install Rust from https://rustup.rs"
	local packages="cargo rustc ca-certificates"
	found=$(cargo --version 2>/dev/null | cut -d' ' -f2) || found=''
	if [ -z "$found" ] || ! at_least "$found" "$oldest_cargo"; then
		candidate=$(cargo_candidate)
		if [ -z "$candidate" ] && is_root && command -v apt-get >/dev/null; then
			apt-get update -qq
			candidate=$(cargo_candidate)
		fi
		if [ -n "$found" ] || [ -z "$candidate" ] || ! at_least "$candidate" "$oldest_cargo"; then
			# No package lists, no candidate; only root can get them.
			if [ -z "$found$candidate" ] && ! is_root && command -v apt-get >/dev/null; then
				hint="as root: apt-get update, for $program to find a package; or $hint"
			fi
			die "cargo $oldest_cargo or newer is needed: ${found:-none} found" "$hint"
		fi
		is_root || die "cargo is missing" "as root: $install $packages"
		# shellcheck disable=SC2086 # a list of words
		install_packages $packages
	fi
	need cc:gcc cc:libc6-dev
}

# cargo_program bench|test NAME - build that target and print the path of its program.
cargo_program() {
	cargo "$1" --quiet --no-run --message-format=json "--$1" "$2" |
		sed -n '/"kind":\["'"$1"'"\]/s/.*"executable":"\([^"]*\)".*/\1/p'
}
