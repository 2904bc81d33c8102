#include "k8s/kubeconfig.hpp"

#include <sys/stat.h>

#include <fstream>
#include <functional>

#include "catch.hpp"
#include "harmony/error.hpp"
#include "support/temporary.hpp"

using namespace harmony;
using namespace harmony::k8s;

namespace {

const std::string whole = R"(apiVersion: v1
kind: Config
current-context: shop
clusters:
- name: kind
  cluster:
    server: https://127.0.0.1:6443
    certificate-authority: ca.pem
    tls-server-name: kubernetes
    proxy-url: http://proxy:3128
contexts:
- name: shop
  context: {cluster: kind, user: admin, namespace: guestbook}
- name: bare
  context: {cluster: kind}
users:
- name: admin
  user:
    client-certificate-data: aGFsbG8=
    client-key: /keys/admin.pem
    as: somebody
    as-groups: [first, second]
    as-user-extra: {reason: [tests]}
)";

/// "H0402 file:line message"
std::string told(const std::function<void()>& body) {
  try {
    body();
    return "nothing";
  } catch (const Error& error) {
    for (const auto& [name, value] : error.data().facts)
      if (name == "file") return error.data().code + " " + value + " " + error.data().message;
    return error.data().code + " " + error.data().message;
  }
}
std::string read(const std::string& text) {
  return told([&] { parse_kubeconfig(text, "/home/me/config"); });
}
std::string user_with(const std::string& fields) {
  return "clusters: [{name: c, cluster: {server: s}}]\ncontexts: [{name: x, context: {cluster: c, user: u}}]\n"
         "users:\n- name: u\n  user: {" +
         fields + "}\n";
}
std::string access_with(const std::string& fields) {
  return told([&] { access_of(parse_kubeconfig(user_with(fields), "/home/me/config"), "x"); });
}
bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("a context leads to a cluster and to a user") {
  const auto access = access_of(parse_kubeconfig(whole, "/home/me/.kube/config"), "shop");
  CHECK(access.space == "guestbook");
  CHECK(access.cluster.server == "https://127.0.0.1:6443");
  CHECK(access.cluster.authority.file == "/home/me/.kube/ca.pem");
  CHECK(access.cluster.tls_server_name == "kubernetes");
  CHECK(access.cluster.proxy == "http://proxy:3128");
  CHECK(access.user.certificate.inside.reveal() == "hallo");
  CHECK(access.user.certificate.origin.field == "users[admin].user.client-certificate-data");
  CHECK(access.user.key.file == "/keys/admin.pem");
  CHECK(access.user.as == "somebody");
  CHECK(access.user.as_groups == std::vector<std::string>{"first", "second"});
  CHECK(access.user.as_extra.at("reason") == std::vector<std::string>{"tests"});
  CHECK(access_of(parse_kubeconfig(whole, "config"), "bare").space == "default");
}

TEST_CASE("of several files the first that knows a name wins, as a whole") {
  auto all = parse_kubeconfig(user_with("token: first"), "/one/config");
  merge(all, parse_kubeconfig(user_with("username: me, password: second") + "current-context: x\n", "/two/config"));
  merge(all,
        parse_kubeconfig("clusters: [{name: d, cluster: {server: t, certificate-authority: ca}}]\ncurrent-context: y\n",
                         "/three/config"));
  CHECK(all.current_context == "x");
  CHECK(all.users.at("u").token.reveal() == "first");
  CHECK(all.users.at("u").name.empty());
  CHECK(all.clusters.at("d").authority.file == "/three/ca");
  CHECK(all.files.size() == 3);
}

TEST_CASE("what is wrong is told with file, line and field, and never with what was written") {
  CHECK(read("") == "nothing");
  CHECK(read("- a\n") == "H0401 /home/me/config:1 the kubeconfig cannot be understood: it holds no named fields");
  CHECK(read("a: 1\nusers:\n- name: x\n  name: x\n") ==
        "H0401 /home/me/config:4 the kubeconfig cannot be understood: a key is there twice");
  CHECK(read("kind: Pod\n") ==
        "H0402 /home/me/config:1 the kubeconfig's `kind` is wrong: it is Config in a kubeconfig");
  CHECK(read("users:\n- name: a\n  user:\n    client-key-data: s3cret!\n") ==
        "H0402 /home/me/config:4 the kubeconfig's `users[a].user.client-key-data` is wrong: it is no base64");
  CHECK(read("users: {a: b}\n") == "H0402 /home/me/config:1 the kubeconfig's `users` is wrong: it should be a list");
  CHECK(read("users:\n- name: a\n- name: a\n") ==
        "H0402 /home/me/config:3 the kubeconfig's `users[1]` is wrong: `a` is there twice");
  CHECK(read("users:\n- user: {}\n") ==
        "H0402 /home/me/config:2 the kubeconfig's `users[0].name` is wrong: it is not there");
  CHECK(read("clusters:\n- name: a\n  cluster: {insecure-skip-tls-verify: perhaps}\n") ==
        "H0402 /home/me/config:3 the kubeconfig's `clusters[a].cluster.insecure-skip-tls-verify` is wrong: it is true "
        "or false");
  CHECK(has(read("users:\n- name: a\n  user: {token: \"a\\r\\nb\"}\n"),
            "`users[a].user.token` is wrong: it holds a control character"));
  CHECK(has(read("users:\n- name: a\n  user: {auth-provider: {name: gcp}}\n"), "`auth-provider` is gone"));
  CHECK(
      has(read("users:\n- name: a\n  user: {exec: {apiVersion: client.authentication.k8s.io/v1alpha1, command: x}}\n"),
          "`users[a].user.exec.apiVersion` is wrong"));
  CHECK(has(read("users:\n- name: a\n  user: {exec: {apiVersion: client.authentication.k8s.io/v1}}\n"),
            "`users[a].user.exec.command` is wrong"));
}

TEST_CASE("text that would move a terminal is not shown as it is") {
  const std::string all = read("users:\n- name: \"\\e[2Jx\"\n  user: {token: [1]}\n");
  CHECK(has(all, "H040"));
  CHECK(all.find('\x1b') == std::string::npos);
}

TEST_CASE("only one way to say who one is") {
  CHECK(access_with("token: a") == "nothing");
  CHECK(access_with("client-certificate: a, client-key: b, token: c") == "nothing");
  CHECK(has(access_with("token: a, username: b, password: c"), "both token and username and password"));
  CHECK(has(access_with("tokenFile: a, exec: {apiVersion: client.authentication.k8s.io/v1, command: c}"),
            "both token and exec"));
  CHECK(has(access_with("client-certificate: a"), "a client certificate without its key"));
  CHECK(has(access_with("client-key: a"), "a client key without its certificate"));
  CHECK(has(access_with("as-groups: [a]"), "`users[u].user.as` is wrong"));
}

TEST_CASE("a cluster whose checks contradict each other is refused") {
  const auto cluster_with = [](const std::string& fields) {
    return told([&] {
      access_of(
          parse_kubeconfig(
              "clusters: [{name: c, cluster: {" + fields + "}}]\ncontexts: [{name: x, context: {cluster: c}}]\n", "f"),
          "x");
    });
  };
  CHECK(cluster_with("server: s, insecure-skip-tls-verify: true") == "nothing");
  CHECK(has(cluster_with("server: s, insecure-skip-tls-verify: true, certificate-authority: ca"), "contradicts"));
  for (const char* name : {"'*.a'", "'a b'", "'a/b'", "\"a\\0b\""})
    CHECK(has(cluster_with(std::string("tls-server-name: ") + name), "H0402"));
}

TEST_CASE("who is not there is named, with those who are, and who names it") {
  const auto all = parse_kubeconfig("contexts:\n- {name: a, context: {cluster: gone}}\n- {name: b, context: {}}\n",
                                    "/home/me/config");
  CHECK(told([&] { access_of(all, "c"); }) == "H0403 no context `c` in the kubeconfig");
  try {
    access_of(all, "a");
    FAIL("no error");
  } catch (const Error& error) {
    CHECK(error.data().message == "no cluster `gone` in the kubeconfig");
    CHECK(error.data().facts.at(2) ==
          std::pair<std::string, std::string>{"named by", "contexts[a].context.cluster in /home/me/config:2"});
  }
}

TEST_CASE("KUBECONFIG is a list, and without it there is the file at home") {
  const auto files = [](std::map<std::string, std::string> variables, const char* asked_for = "") {
    return kubeconfig_files({.variables = std::move(variables)}, asked_for).paths;
  };
  using Paths = std::vector<std::filesystem::path>;
  CHECK(files({{"HOME", "/home/me"}}) == Paths{"/home/me/.kube/config"});
  CHECK(files({{"HOME", "/home/me"}, {"KUBECONFIG", "a::b:a:"}}) == Paths{"a", "b"});
  CHECK(files({{"KUBECONFIG", "a"}}, "c") == Paths{"c"});
  CHECK(files({}).empty());
}

TEST_CASE("files are read with care") {
  const testing::TemporaryFolder folder;
  const auto path = folder.path() / "config", gone = folder.path() / "gone", pipe = folder.path() / "pipe";
  std::ofstream{path} << whole;
  ::chmod(path.c_str(), 0600);
  CHECK(load_kubeconfig({{gone, path}}).files == std::vector<std::filesystem::path>{path});
  CHECK(has(told([&] { load_kubeconfig({{gone}, true}); }), "there is no such file"));
  REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
  CHECK(has(told([&] { load_kubeconfig({{pipe}}); }), "it is no regular file"));
  CHECK(has(told([&] { load_kubeconfig({{folder.path()}}); }), "it is no regular file"));
  CHECK(has(told([] { load_kubeconfig({{"/dev/zero"}}); }), "it is no regular file"));
  ::chmod(path.c_str(), 0666);
  CHECK(has(told([&] { load_kubeconfig({{path}}); }), "anybody on this machine may change it"));
  std::filesystem::create_symlink("loop", folder.path() / "loop");
  CHECK(has(told([&] { load_kubeconfig({{folder.path() / "loop"}}); }), "H0400"));
}

TEST_CASE("in a pod the service account is the way in") {
  const testing::TemporaryFolder folder;
  std::ofstream{folder.path() / "namespace"} << "shop";
  Environment environment{.variables = {{"KUBERNETES_SERVICE_HOST", "fd00::1"}, {"KUBERNETES_SERVICE_PORT", "443"}},
                          .service_account = folder.path()};
  const auto access = access_in_cluster(environment);
  REQUIRE(access);
  CHECK(access->cluster.server == "https://[fd00::1]:443");
  CHECK(access->space == "shop");
  CHECK(access->user.token_file == folder.path() / "token");
  CHECK(access->cluster.authority.file == folder.path() / "ca.crt");
  environment.variables.clear();
  CHECK_FALSE(access_in_cluster(environment));
}
