/// The guestbook's deploy with one layer more: it kills itself at the n-th write point.
#include "cli/cli.hpp"
#include "companions/default_stack.hpp"
#include "companions/smoke_tested.hpp"
#include "guestbook.hpp"
#include "support/killed_at.hpp"
#include "topologies/local.hpp"

int main(int argc, char** argv) {
  using namespace harmony;
  return cli::run(argc, argv,
                  GuestbookScore{} | smoke_tested(GuestbookWorks{}) | testing::killed_at() | default_stack(),
                  cli::topologies<Local>(), cli::set("host", &GuestbookScore::host, "public host name"),
                  cli::set("binary", &GuestbookScore::binary, "the web server"),
                  cli::set("replicas", &GuestbookScore::replicas, "instances of the web server"));
}
