#pragma once
#include <string>

#include "harmony/capabilities/http_route.hpp"
#include "harmony/capabilities/nats.hpp"
#include "harmony/capabilities/postgresql.hpp"
#include "harmony/capabilities/workloads.hpp"
#include "harmony/context.hpp"

/// The guestbook: a web server, its database, and the broker it announces new entries on.
struct GuestbookScore {
  using needs = harmony::Needs<harmony::PostgreSql, harmony::Nats, harmony::Workloads, harmony::HttpRoute>;
  std::string instance = "guestbook";
  std::string host = "guestbook.localhost";
  std::string binary = "guestbookd";
  std::string image = "guestbook:1.4";
  std::optional<int> replicas = {};

  static constexpr std::string_view kind() { return "guestbook"; }
  std::string_view name() const { return instance; }
  void interpret(harmony::Context<needs>& in) const;
};

/// Stores an entry over HTTP, reads it back from the database, hears of it from the broker, and takes it away again.
struct GuestbookWorks {
  using needs = harmony::Needs<harmony::HttpRoute, harmony::PostgreSql, harmony::Nats>;
  std::string instance = "guestbook";

  std::string_view name() const { return "GuestbookWorks"; }
  void test(harmony::Context<needs>& in, harmony::Checks& checks) const;
};
