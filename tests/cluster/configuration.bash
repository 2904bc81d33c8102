# shellcheck shell=bash disable=SC2154
# The files that the cluster's parts read. Sourced by tests/cluster/inside, which names what stands in them.

write_configuration() {
  # Every request, whoever makes it and whatever becomes of it; the address tells a dry run.
  cat > "$folder/audit-policy.yaml" <<'POLICY'
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules: [{level: Metadata}]
POLICY

  # disable_apparmor: the profile would stay in the kernel of the machine.
  # restrict_oom_score_adj: without CAP_SYS_RESOURCE, as inside a container, no score can be lowered.
  cat > "$folder/containerd.toml" <<CONFIG
version = 2
root = "$folder/containerd"
state = "$folder/run/containerd"
disabled_plugins = ["io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.zfs",
  "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.aufs", "io.containerd.internal.v1.tracing"]
[plugins."io.containerd.internal.v1.opt"]
  path = "$folder/containerd-programs"
[grpc]
  address = "$folder/run/containerd.sock"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "localhost/harmony/pause:1"
  restrict_oom_score_adj = true
  disable_apparmor = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "$folder/cni"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "$snapshotter"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
      SystemdCgroup = false
CONFIG

  # Every pod on a wire of its own, routed, not bridged: then whatever a pod sends to another through a Service passes
  # the rules of kube-proxy in both directions, with or without the kernel's br_netfilter.
  mkdir -p "$folder/cni"
  cat > "$folder/cni/pods.conflist" <<CONFIG
{"cniVersion": "0.4.0", "name": "pods", "plugins": [
  {"type": "ptp", "mtu": 1500, "ipam": {"type": "host-local", "dataDir": "$folder/run/addresses",
    "ranges": [[{"subnet": "$pod_network"}]], "routes": [{"dst": "0.0.0.0/0"}]}},
  {"type": "portmap", "capabilities": {"portMappings": true}, "snat": true}]}
CONFIG

  echo "nameserver $node_address" > "$folder/resolv.conf"
  # evictionHard: a machine whose disk is nearly full is still good enough for a test.
  cat > "$folder/kubelet.yaml" <<CONFIG
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
address: $node_address
healthzBindAddress: $node_address
tlsCertFile: $folder/pki/kubelet.crt
tlsPrivateKeyFile: $folder/pki/kubelet.key
authentication:
  anonymous: {enabled: false}
  webhook: {enabled: true}
  x509: {clientCAFile: $folder/pki/ca.crt}
authorization: {mode: Webhook}
containerRuntimeEndpoint: unix://$folder/run/containerd.sock
podLogsDir: /var/log/pods
volumePluginDir: $folder/kubelet/volume-plugins
resolvConf: $folder/resolv.conf
clusterDomain: cluster.local
clusterDNS: [$dns_address]
cgroupDriver: cgroupfs
cgroupRoot: $cgroup
failCgroupV1: false
failSwapOn: false
enforceNodeAllocatable: []
oomScoreAdj: 0
localStorageCapacityIsolation: false
evictionHard: {memory.available: 50Mi, nodefs.available: 1%, nodefs.inodesFree: 1%, imagefs.available: 1%, imagefs.inodesFree: 1%}
imageGCHighThresholdPercent: 100
serializeImagePulls: false
registerNode: true
nodeStatusUpdateFrequency: 5s
CONFIG

  cat > "$folder/kube-proxy.yaml" <<CONFIG
apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
clientConnection: {kubeconfig: $folder/kube-proxy.kubeconfig}
bindAddress: $node_address
healthzBindAddress: $node_address:10256
metricsBindAddress: $node_address:10249
nodePortAddresses: [$node_address/32]
mode: iptables
iptables: {localhostNodePorts: false, minSyncPeriod: 100ms}
conntrack: {maxPerCore: 0, min: 0, tcpEstablishedTimeout: 0s, tcpCloseWaitTimeout: 0s}
clusterCIDR: $pod_network
detectLocalMode: ClusterCIDR
oomScoreAdj: 0
hostnameOverride: $node
CONFIG

  # The world outside cannot be reached, so its names do not exist.
  cat > "$folder/Corefile" <<CONFIG
cluster.local in-addr.arpa ip6.arpa {
  bind $node_address
  errors
  ready $node_address:8181
  kubernetes cluster.local in-addr.arpa ip6.arpa {
    kubeconfig $folder/dns.kubeconfig
    ttl 1
  }
}
. {
  bind $node_address
  errors
  template ANY ANY {
    rcode NXDOMAIN
  }
}
CONFIG
}
