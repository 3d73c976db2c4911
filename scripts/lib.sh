# Sourced by the scripts beside it: what they need on a fresh Debian machine.
# shellcheck shell=sh

# The oldest cargo that builds this project, as in Cargo.toml.
OLDEST_CARGO=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)

# need_packages PACKAGE... - install the Debian packages that are missing.
need_packages() {
	missing=
	for package; do
		dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' ||
			missing="$missing $package"
	done
	[ -n "$missing" ] || return 0
	if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
		echo "${0##*/}: these Debian packages are missing:$missing" >&2
		echo "hint: as root: apt-get install --no-install-recommends$missing" >&2
		exit 69
	fi
	echo "${0##*/}: installing$missing" >&2
	# RUNLEVEL=1: no server that comes with them is started.
	install="apt-get install -qq -y --no-install-recommends$missing"
	export DEBIAN_FRONTEND=noninteractive RUNLEVEL=1
	# shellcheck disable=SC2086
	$install >/dev/null 2>&1 || { apt-get update -qq && $install >/dev/null; } || {
		echo "${0##*/}: apt-get could not install$missing" >&2
		exit 69
	}
}

# older VERSION1 VERSION2 - whether the first is the older one.
older() {
	[ "$1" != "$2" ] && [ "$(printf '%s\n' "$1" "$2" | sort -V | head -n 1)" = "$1" ]
}

# need_cargo - have a cargo that is new enough, and a C linker.
need_cargo() {
	[ -d "$HOME/.cargo/bin" ] && PATH=$HOME/.cargo/bin:$PATH
	if ! command -v cargo >/dev/null; then
		candidate=$(apt-cache policy cargo 2>/dev/null | sed -n 's/.*Candidate: \([0-9.]*\).*/\1/p')
		if [ -n "$candidate" ] && ! older "$candidate" "$OLDEST_CARGO"; then
			need_packages cargo
		fi
	fi
	version=$(cargo --version 2>/dev/null | cut -d ' ' -f 2)
	if [ -z "$version" ] || older "$version" "$OLDEST_CARGO"; then
		echo "${0##*/}: needs cargo $OLDEST_CARGO or newer: ${version:-none found}" >&2
		echo "hint: install it with rustup (https://rustup.rs), or from Debian 13 or newer" >&2
		exit 69
	fi
	command -v cc >/dev/null || need_packages gcc libc6-dev
}

# cargo_executable bench|test NAME - build that target and print the path of its program.
cargo_executable() {
	cargo "$1" --quiet --no-run --message-format=json "--$1" "$2" |
		sed -n '/"kind":\["'"$1"'"\]/s/.*"executable":"\([^"]*\)".*/\1/p'
}
