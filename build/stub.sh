#!/bin/sh
{ # The shell reads up to the closing brace before it does anything: a file that was cut off inside does nothing.
# MUXI @VERSION@ for @PLATFORM@: this script, and behind it an archive of the program and all it needs.
# The archive is unpacked once: to $MUXI_RUNTIME_DIR, else to $XDG_CACHE_HOME/muxi or ~/.cache/muxi, else to a private
# folder in $TMPDIR or /tmp. Every start compares the sizes of what is there, and mends what differs.
# Takes sh, tar, gzip, and of the usual tools tail, wc, find, env, id, sed, mkdir, mktemp, mv, rm, and one of sha256sum,
# shasum and openssl.
set -u
say() { printf 'muxi: %s\n' "$*" >&2; }
payload() { tail -n +@LINES@ "$0"; }
digest() { $hash | { read -r sum _ && printf %s "$sum"; }; }

# Whether $base is a folder of ours or of root's in which nobody else can write; among other people's files no link to one.
trusted() {
  { [ "$base" = "$first" ] || [ ! -h "$base" ]; } &&
    [ -n "$(find -H "$base" -prune -type d \( -user "$(id -u)" -o -user 0 \) ! -perm -20 ! -perm -2 2>/dev/null)" ]
}

# Whether everything is there.
ready() {
  [ -x "$dir/@LAUNCHER@" ] && [ -x "$dir/deno" ] && trusted &&
    [ "$(cd "$dir" && echo $(LC_ALL=C wc -c @PARTS@ 2>/dev/null))" = "@SIZES@" ]
}

# Refuses this file when it is not what was built.
check() {
  for hash in sha256sum 'shasum -a 256' 'openssl dgst -sha256 -r' ''; do
    command -v "${hash%% *}" >/dev/null && break
  done
  if [ -z "$hash" ]; then
    say "Cannot check this file before its use: want sha256sum, shasum or openssl"
    exit 69
  fi
  [ "$(payload | digest)" = @DIGEST@ ] && return
  say "Cannot use \"$0\": it is damaged ($(($(payload | wc -c))) bytes behind the script, want @SIZE@). Download it again"
  exit 65
}

# Unpacks beside, checks each part, and puts the parts in place one by one, each whole. So several may do it at once.
unpack() (
  umask 077
  mkdir -p "$base" 2>/dev/null || { echo "it can't be made"; exit; }
  trusted || { echo "it is not a folder in which only you can write"; exit; }
  # What a start that was killed has left.
  find "$base/." ! -name . -prune -name '.new.*' -mtime +0 -exec rm -rf {} +
  new=$(mktemp -d "$base/.new.XXXXXX" 2>/dev/null) || { echo "it can't be written to"; exit; }
  trap 'rm -rf "$new"' EXIT
  trap 'exit 1' HUP INT TERM
  payload | tar -xzf - -C "$new" 2>/dev/null || { echo "unpacking fails; the disk may be full"; exit; }
  while read -r sum part; do
    [ "$(digest <"$new/$part")" = "$sum" ] || { echo "$part is not as it was packed; the disk may be failing"; exit; }
  done <<END
@DIGESTS@
END
  env -i "$new/deno" --version >/dev/null 2>&1 ||
    { echo "programs can't run from there, or this machine is not @PLATFORM@ with glibc"; exit; }
  for part in @PARTS@; do
    target=$dir/$part
    mkdir -p "${target%/*}" && mv -f "$new/$part" "$target" || exit
  done
)

if [ -n "${MUXI_RUNTIME_DIR:-}" ]; then
  case $MUXI_RUNTIME_DIR in /*) first=$MUXI_RUNTIME_DIR ;; *) first=$PWD/$MUXI_RUNTIME_DIR ;; esac
  second=
else
  case ${XDG_CACHE_HOME:-} in
    /*) first=$XDG_CACHE_HOME/muxi ;;
    *) first=; [ -d "${HOME:-}" ] && first=$HOME/.cache/muxi ;;
  esac
  second=${TMPDIR:-/tmp}/muxi-$(id -u)
fi
for base in "$first" "$second"; do
  [ -n "$base" ] || continue
  dir=$base/@ID@
  ready && exec "$dir/@LAUNCHER@" "$@"
done
check
for base in "$first" "$second"; do
  [ -n "$base" ] || continue
  dir=$base/@ID@
  why=$(unpack)
  ready && exec "$dir/@LAUNCHER@" "$@"
  say "Cannot unpack to \"$base\": ${why:-it changes meanwhile}"
done
say "Set MUXI_RUNTIME_DIR to a folder that you can write to and run programs from"
exit 73
}
