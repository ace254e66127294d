import SansIO

/// One arrival, command or timer on its way through the user agent: what time it is, and where all that comes of it goes, in the order in
/// which it happened.
struct Turn {
  let now: Instant
  var out: Outbox
  var news = Backlog<UserAgentEvent>()

  mutating func report(_ event: UserAgentEvent) { news.append(event) }
}
