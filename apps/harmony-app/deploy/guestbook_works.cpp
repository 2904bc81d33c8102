#include <boost/json.hpp>

#include "guestbook.hpp"

using namespace harmony;
using namespace std::chrono_literals;
namespace json = boost::json;

namespace {

struct Posted {
  std::int64_t id = 0;
  std::string delete_token;
};

Posted read_posted(const std::string& body) {
  boost::system::error_code failed;
  const json::value answer = json::parse(body, failed);
  const auto* object = failed ? nullptr : answer.if_object();
  const auto* id = object ? object->if_contains("id") : nullptr;
  const auto* token = object ? object->if_contains("delete_token") : nullptr;
  if (!id || !id->is_int64() || !token || !token->is_string()) return {};
  return {id->as_int64(), std::string(token->as_string())};
}

}  // namespace

void GuestbookWorks::test(Context<needs>& in, Checks& checks) const {
  auto& route = in.use<HttpRoute>();
  auto& database = in.use<PostgreSql>();
  const std::string ours = "smoke-test:" + in.deployment() + ":", marker = ours + in.run_id();
  // This very deploy may have started the broker or the database again: the guestbook gets its time to connect anew.
  for (int tries = 50; tries > 0; --tries) {
    const auto ready = route.request(in, instance, {.path = "/readyz"});
    if (ready.status == 200) break;
    in.waiting("/readyz answers " + std::to_string(ready.status));
    in.pause(200ms);
  }
  // A test that was killed could not take its entry away; one that still runs is younger than this.
  database.query(in, instance + "-db", "guestbook",
                 "delete from entries where starts_with(marker, $1) and created_at < now() - interval '5 minutes'",
                 {ours});

  const auto announcements = in.use<Nats>().subscribe(in, instance + "-nats", "entries.>");
  const json::value entry{{"author", "smoke test"}, {"message", "does it work?"}, {"marker", marker}};
  const auto stored = route.request(in, instance,
                                    {.method = "POST",
                                     .path = "/entries",
                                     .headers = {{"Content-Type", "application/json"}},
                                     .body = json::serialize(entry)});
  checks.expect(stored.status == 201, "an entry to be stored (201)", std::to_string(stored.status) + " " + stored.body);
  const Posted posted = read_posted(stored.body);
  checks.expect(posted.id > 0, "the stored entry's id and delete token", stored.body);

  const auto rows =
      database.query(in, instance + "-db", "guestbook", "select message from entries where id = $1 and marker = $2",
                     {std::to_string(posted.id), marker});
  checks.expect(rows.size() == 1 && rows.front().front() == "does it work?", "the entry in the database",
                std::to_string(rows.size()) + " rows");

  bool announced = false;
  while (!announced) {
    const auto message = announcements->next(in, 5s);
    checks.expect(message.has_value(), "its announcement on the broker", "nothing within 5 s");
    announced = message->find(marker) != std::string::npos;  // other people write into the guestbook too
  }

  const auto deleted = route.request(in, instance,
                                     {.method = "DELETE",
                                      .path = "/entries/" + std::to_string(posted.id),
                                      .headers = {{"X-Delete-Token", posted.delete_token}}});
  checks.expect(deleted.status == 204, "the entry to be taken away (204)", std::to_string(deleted.status));
}
