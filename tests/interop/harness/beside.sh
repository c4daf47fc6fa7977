# weir's command line beside Apache Kafka's own tools: the same words to both, on the same cluster, must print the same.
# What differs by nature (ids that were drawn, times) is replaced by a word before the comparison. Sourced by the suites cli*,
# in $WORK; the cluster is at $BOOTSTRAP.
kafka=$REPOSITORY/tests/support/apache-kafka
tools=${WEIR_TOOLS:-$REPOSITORY/build/release/sdk/tools}
mkdir -p bin
"$tools/weir" install-links bin >/dev/null

ours() { timeout "${PATIENCE:-60}" "bin/$1.sh" "${@:2}"; }
theirs() { timeout "${PATIENCE:-180}" "$kafka" tool "$@"; }

# Log lines of the JVM's logger, stack traces and the blank line behind them are no output of a tool.
plain() { grep -vE '^([0-9-]{10} [0-9:,]{12} (WARN|ERROR|INFO) |SLF4J|[[:space:]]+at |[[:space:]]+\.\.\. |Caused by: |(org|java|kafka)\.[A-Za-z.$]+(Exception|Error)|Picked up JAVA_TOOL_OPTIONS)' | sed -e :a -e '/^\n*$/{$d;N;ba' -e '}' || true; }
normal() { sed -E 's/(org|java)\.[a-z.]+\.([A-Za-z]+Exception): //g; s/\b[A-Za-z0-9_-]{22}\b/ID/g; s/\b1[0-9]{12}\b/TIME/g'; }

# same NAME ARGS...: both print the same on stdout and end alike, with $INPUT on stdin. NORMAL adds a filter to both; ENDS is
# what ours ends with where it fails openly and Apache's, which failed too, ends with 0.
same() {
  local status_ours=0 status_theirs=0
  ours "$@" <"${INPUT:-/dev/null}" >ours.out 2>ours.err || status_ours=$?
  theirs "$@" <"${INPUT:-/dev/null}" >theirs.raw 2>theirs.err || status_theirs=$?
  plain <theirs.raw | normal | ${NORMAL:-cat} >theirs.out
  plain <ours.out | normal | ${NORMAL:-cat} >ours.normal
  diff theirs.out ours.normal || { echo "($*: < Apache's, > ours; stderr: $(head -c 300 ours.err))"; return 1; }
  [ $status_ours -eq "${ENDS:-$status_theirs}" ] || { echo "$*: ends with $status_ours, Apache's with $status_theirs; $(head -c 300 ours.err)"; return 1; }
}
at() { same "$1" --bootstrap-server "$BOOTSTRAP" "${@:2}"; }
# The same change by either, on two things of the same kind, prints the same but for the name and what spaces a name takes.
# BY_CONTROLLERS are asked in place of brokers.
both() { # NAME WORDS... with X for the thing
  local words=("${@:2}") reach=(--bootstrap-server "$BOOTSTRAP")
  [ -z "${BY_CONTROLLERS:-}" ] || reach=(--bootstrap-controller "$BY_CONTROLLERS")
  ours "$1" "${reach[@]}" "${words[@]/X/ours}" </dev/null >ours.raw 2>ours.err || { echo "$*: $(cat ours.raw ours.err | head -c 400)"; return 1; }
  theirs "$1" "${reach[@]}" "${words[@]/X/theirs}" </dev/null >theirs.raw 2>theirs.err || { echo "$*: Apache's: $(cat theirs.raw theirs.err | head -c 400)"; return 1; }
  plain <ours.raw | sed 's/ours/X/g; s/  */ /g' | normal | ${NORMAL:-cat} >ours.out
  plain <theirs.raw | sed 's/theirs/X/g; s/  */ /g' | normal | ${NORMAL:-cat} >theirs.out
  diff theirs.out ours.out || { echo "($*: < Apache's, > ours)"; return 1; }
}
# The first line on stderr, where Apache's tools print more behind it. NORMAL adds a filter here, too.
same_refusal() {
  local out_ours out_theirs
  if out_ours=$(ours "$@" 2>&1 </dev/null); then echo "$*: ours took it"; return 1; fi
  if out_theirs=$(theirs "$@" 2>&1 </dev/null); then echo "$*: Apache's took it"; return 1; fi
  equal "$(head -1 <<<"$out_ours" | normal | ${NORMAL:-cat})" "$(plain <<<"$out_theirs" | head -1 | normal | ${NORMAL:-cat})" "what is said"
}
sorted() { sort; }
numbers() { sed -E 's/-?[0-9]+(\.[0-9]+)?/N/g; s/ +/ /g'; }
# Until COMMAND... succeeds, for at most two minutes.
eventually() {
  local deadline=$((SECONDS + 120))
  until "$@"; do [ $SECONDS -lt $deadline ] || { echo "not within two minutes: $*"; return 1; }; done
}
