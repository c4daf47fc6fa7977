# The shell twin of checks.py. A check is a function; it fails when a command in it fails (set -e holds inside).
#   check "a record comes back as it was sent" comes_back
#   ...
#   finish
checks_failed=0

check() { # TITLE FUNCTION [ARGS...]
  local title=$1 began=$EPOCHREALTIME log status
  shift
  case $title in *"${ONLY:-}"*) ;; *) return 0 ;; esac
  log=$(mktemp)
  # In a subshell of its own, not as a condition: bash switches `set -e` off inside conditions.
  set +e
  (set -euo pipefail; "$@") >"$log" 2>&1
  status=$?
  set -e
  if [ $status -eq 0 ]; then
    echo "ok - $title ($(awk "BEGIN {printf \"%.1f\", $EPOCHREALTIME - $began}") s)"
  else
    checks_failed=$((checks_failed + 1))
    echo "not ok - $title: $(tail -n 4 "$log" | tr '\n' ' ' | cut -c1-600)"
  fi
  [ -z "${VERBOSE:-}" ] || sed 's/^/    /' "$log"
  rm -f "$log"
}

equal() { # FOUND WANTED [WHAT]
  [ "$1" = "$2" ] || { echo "${3:-value} is '$1', not '$2'"; return 1; }
}

contains() { # TEXT PART
  case $1 in *"$2"*) ;; *) echo "'$2' is not in: $1"; return 1 ;; esac
}

finish() { [ "$checks_failed" -eq 0 ]; }
