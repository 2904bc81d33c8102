#include "cli/cli.hpp"
#include "companions/default_stack.hpp"
#include "companions/smoke_tested.hpp"
#include "guestbook.hpp"
#include "topologies/k8s_anywhere.hpp"
#include "topologies/local.hpp"

int main(int argc, char** argv) {
  using namespace harmony;
  return cli::run(argc, argv, GuestbookScore{} | smoke_tested(GuestbookWorks{}) | default_stack(),
                  cli::topologies<Local, K8sAnywhere>(), cli::set("host", &GuestbookScore::host, "public host name"),
                  cli::set("binary", &GuestbookScore::binary, "the web server: a path, or a name beside this program"),
                  cli::set("image", &GuestbookScore::image, "the web server as an image, for clusters"),
                  cli::set("replicas", &GuestbookScore::replicas, "instances of the web server"));
}
