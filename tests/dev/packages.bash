# shellcheck shell=bash disable=SC2034
# The Debian packages, by what they are needed for. Sourced by ./dev.

# shellcheck source=/dev/null
debian_release=$(. /etc/os-release 2>/dev/null && [[ " ${ID:-} ${ID_LIKE:-} " == *" debian "* ]] && echo "${VERSION_ID:-}") || true
case ${debian_release%%.*} in
  12) boost=1.81 postgresql=15 ;;
  13) boost=1.88 postgresql=17 ;;
  *) boost='' postgresql='' ;;  # a derivative: its default versions
esac

packages_build=(
  g++ meson ninja-build pkg-config ccache python3 git ca-certificates
  "libboost${boost}-dev" "libboost-json${boost}-dev" "libboost-url${boost}-dev"
  libcli11-dev libcurl4-openssl-dev libfmt-dev libnats-dev libpq-dev libspdlog-dev libssl-dev libyaml-cpp-dev
  prometheus-cpp-dev
)
# What a deployment on this machine runs.
packages_run=("postgresql${postgresql:+-$postgresql}" nats-server haproxy s6 execline)
# The unit tests.
packages_unit=(catch2 s6)
# All other tests: second compiler, formatter, the real servers they speak to, a browser, a tracer.
packages_test=(
  clang-19 clang-format-19 strace curl procps iproute2 chromium prometheus prometheus-pushgateway
)
# The cluster that tests run against: what it consists of besides Kubernetes itself, and what builds it and its images.
# python3-venv is for a Go compiler, where there is none that is new enough.
packages_cluster=(
  etcd-server containerd runc containernetworking-plugins iptables iproute2 mount util-linux procps
  buildah busybox-static openssl python3-venv
)
packages_format=(clang-format-19 git)
packages_fresh=(debootstrap git)
