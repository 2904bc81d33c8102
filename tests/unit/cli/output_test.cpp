/// Streams that fail, and who hears of it.
#include "cli/output.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <future>

#include "catch.hpp"

using namespace harmony::cli;

namespace {

struct Full {
  int descriptor = open("/dev/full", O_WRONLY | O_CLOEXEC);
  ~Full() { close(descriptor); }
};

}  // namespace

TEST_CASE("who hears of a failed write may write, and ask the stream") {
  const Full full;
  Output output{full.descriptor};
  std::promise<bool> heard;
  output.on_failure([&] {
    output.write("one word more");
    heard.set_value(output.idle() && output.failure() == ENOSPC);
  });
  output.write("words");
  CHECK(heard.get_future().get());
}

TEST_CASE("who is taken away is not called any more, and not still being called") {
  const Full full;
  Output output{full.descriptor};
  std::promise<void> called, go_on;
  std::atomic<bool> done = false;
  output.on_failure([&] {
    called.set_value();
    go_on.get_future().wait();
    done = true;
  });
  output.write("words");
  called.get_future().wait();
  auto taken = std::async(std::launch::async, [&] {
    output.on_failure({});
    return done.load();
  });
  go_on.set_value();
  CHECK(taken.get());
}
