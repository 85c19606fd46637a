# Installs the gate from this checkout into an environment of its own, everything else from the hash-locked list beside this file.
# In: RUNNER_TEMP, GITHUB_ACTION_PATH, SKIP_CONNECT. Out: the step output `python`, the environment's interpreter.
set -euo pipefail
unset PYTHONPATH PYTHONHOME PIP_REQUIRE_VIRTUALENV PIP_USER PIP_TARGET PIP_PREFIX

fail() {
  echo "::error title=mcp-audit::$1"
  exit 1
}

python=
for name in python3 python python3.14 python3.13 python3.12 python3.11 python3.10; do
  if command -v "$name" > /dev/null && "$name" -I -c 'import sys; sys.exit(sys.version_info < (3, 10))' > /dev/null 2>&1; then
    python=$name
    break
  fi
done
[ -n "$python" ] || fail "no Python 3.10 or later was found on the PATH; add a step with actions/setup-python before this one"

list=requirements.txt
[ "$SKIP_CONNECT" = false ] && list=requirements-connect.txt
place=$(mktemp -d "$RUNNER_TEMP/mcp-audit.XXXXXXXX")
cd "$place"
"$python" -I -m venv "$place/venv" || fail "$python cannot make a virtual environment; install its venv module, or add a step with actions/setup-python before this one"
inside=$place/venv/bin/python
[ -e "$inside" ] || inside=$place/venv/Scripts/python.exe
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1
"$inside" -I -m pip install --quiet --no-deps --only-binary :all: --require-hashes -r "$GITHUB_ACTION_PATH/.github/action/$list" ||
  fail "the packages of $list could not be installed; see the lines above"
"$inside" -I -m pip install --quiet --no-deps --no-index --no-build-isolation "$GITHUB_ACTION_PATH" ||
  fail "the gate could not be installed from its checkout; see the lines above"
"$inside" -I -m mcp_audit_gate --version
echo "python=$inside" >> "$GITHUB_OUTPUT"
