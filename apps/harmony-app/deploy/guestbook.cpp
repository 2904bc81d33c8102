#include "guestbook.hpp"

#include "nats/score.hpp"
#include "postgresql/score.hpp"
#include "workloads/score.hpp"

using harmony::HttpServerScore, harmony::NatsScore, harmony::PostgresScore;

void GuestbookScore::interpret(harmony::Context<needs>& in) const {
  const PostgresScore database{.instance = instance + "-db", .database = "guestbook"};
  const NatsScore broker{.instance = instance + "-nats", .streams = {"entries"}};

  in.all(database, broker);
  in.run(HttpServerScore{.instance = instance,
                         .artefact = {.binary = binary, .image = image},
                         .environment = {{"DATABASE_URL", database.connection()}, {"NATS_URL", broker.connection()}},
                         .host = host,
                         .replicas = replicas,
                         .resources = {.millicores = 50, .mebibytes = 128}});
}
