import SIPMessage
import SansIO
import Testing

@testable import SIPTransport

/// A zone as a test writes it, and what was asked of it.
private struct Zone {
  var records: [NameQuestion: NameAnswer] = [:]

  mutating func host(_ name: String, _ addresses: String...) {
    for address in addresses.compactMap({ IPAddress($0) }) { add(name, address.isIPv6 ? .aaaa : .a, .address(address)) }
  }

  mutating func srv(_ name: String, _ target: String, _ port: UInt16 = 5_060, priority: UInt16 = 0, weight: UInt16 = 0) {
    add(name, .srv, .srv(priority: priority, weight: weight, port: port, target: target))
  }

  mutating func naptr(_ service: String, _ replacement: String, order: UInt16 = 0, preference: UInt16 = 0, flags: String = "s") {
    let value = NameRecord.Value.naptr(order: order, preference: preference, flags: flags, service: service, replacement: replacement)
    add("example.com", .naptr, value)
  }

  private mutating func add(_ name: String, _ kind: NameQuestion.Kind, _ value: NameRecord.Value) {
    guard case .records(let before)? = records[NameQuestion(name, kind)] else {
      return records[NameQuestion(name, kind)] = .records([NameRecord(value)])
    }
    records[NameQuestion(name, kind)] = .records(before + [NameRecord(value)])
  }
}

@Suite struct ServerSearchTests {
  private static let all = ServerSearch.Means(transports: [.udp, .tcp, .tls], hasIPv4: true, hasIPv6: false)

  /// What was asked, in its order, and the servers that were found, or the reason.
  private func search(
    _ uri: String, _ zone: Zone, _ means: ServerSearch.Means = all, seed: UInt64 = 1
  ) throws -> (asked: [String], found: [String]) {
    var entropy = Entropy(seed: seed)
    var (search, outputs) = ServerSearch.begin(try SIPURI(parsing: uri), means)
    var asked: [String] = []
    while !outputs.isEmpty {
      switch outputs.removeFirst() {
      case .ask(let question):
        asked.append("\(question.kind.rawValue) \(question.name)")
        outputs += search.receive(zone.records[question] ?? .noSuchName, to: question, using: &entropy)
      case .found(let targets): return (asked, targets.map { "\($0)\($0.serverName.map { " as \($0)" } ?? "")" })
      case .failed(let reason): return (asked, [reason])
      }
    }
    return (asked, [])
  }

  @Test func `an address is asked of nobody (RFC 3263 §4.2)`() throws {
    #expect(try search("sip:x@192.0.2.1", Zone()) == ([], ["192.0.2.1:5060 over UDP"]))
    #expect(try search("sip:x@192.0.2.1:5070;transport=tcp", Zone()) == ([], ["192.0.2.1:5070 over TCP"]))
    #expect(try search("sips:x@192.0.2.1", Zone()) == ([], ["192.0.2.1:5061 over TLS as 192.0.2.1"]))
  }

  @Test func `a name with a port has its address looked up and nothing else (RFC 3263 §4.1, §4.2)`() throws {
    var zone = Zone()
    zone.host("example.com", "192.0.2.1", "192.0.2.2")
    zone.srv("_sip._udp.example.com", "other.example.com")
    #expect(try search("sip:x@EXAMPLE.com:5070", zone) == (["a example.com"], ["192.0.2.1:5070 over UDP", "192.0.2.2:5070 over UDP"]))
  }

  @Test func `a transport is looked up by SRV without NAPTR, and where there is none by its host (RFC 3263 §4.2)`() throws {
    var zone = Zone()
    zone.host("example.com", "192.0.2.1")
    #expect(
      try search("sip:x@example.com;transport=tcp", zone) == (["srv _sip._tcp.example.com", "a example.com"], ["192.0.2.1:5060 over TCP"]))
    zone.host("a.example.com", "192.0.2.9")
    zone.srv("_sip._tcp.example.com", "a.example.com", 5_066)
    #expect(
      try search("sip:x@example.com;transport=tcp", zone) == (
        ["srv _sip._tcp.example.com", "a a.example.com"], ["192.0.2.9:5066 over TCP"]
      ))
  }

  @Test func `NAPTR chooses the service by order, then preference, among those that are spoken here (RFC 3263 §4.1)`() throws {
    var zone = Zone()
    zone.naptr("SIP+D2U", "_sip._udp.example.com", order: 1, preference: 9)
    zone.naptr("SIP+D2T", "_sip._tcp.example.com", order: 1, preference: 3)
    zone.naptr("SIPS+D2T", "_sips._tcp.example.com", order: 0)
    zone.naptr("SIP+D2S", "_sip._sctp.example.com", order: 0)
    zone.naptr("E2U+sip", "_x._udp.example.com", order: 0, flags: "u")
    for (name, address) in [("u", "192.0.2.1"), ("t", "192.0.2.2"), ("s", "192.0.2.3")] { zone.host("\(name).example.com", address) }
    zone.srv("_sip._udp.example.com", "u.example.com")
    zone.srv("_sip._tcp.example.com", "t.example.com")
    zone.srv("_sips._tcp.example.com", "s.example.com", 5_061)
    #expect(
      try search("sip:x@example.com", zone).found
        == ["192.0.2.3:5061 over TLS as example.com", "192.0.2.2:5060 over TCP", "192.0.2.1:5060 over UDP"])
    let datagrams = ServerSearch.Means(transports: [.udp], hasIPv4: true, hasIPv6: false)
    #expect(try search("sip:x@example.com", zone, datagrams).found == ["192.0.2.1:5060 over UDP"])
  }

  @Test func `without NAPTR each transport is looked up, and without SRV the host over UDP (RFC 3263 §4.1, §4.2)`() throws {
    var zone = Zone()
    zone.host("example.com", "192.0.2.1")
    let asked = [
      "naptr example.com", "srv _sips._tcp.example.com", "srv _sip._tcp.example.com", "srv _sip._udp.example.com", "a example.com",
    ]
    #expect(try search("sip:x@example.com", zone) == (asked, ["192.0.2.1:5060 over UDP"]))
    let secure = ServerSearch.Means(transports: [.tls], hasIPv4: true, hasIPv6: false)
    #expect(try search("sip:x@example.com", zone, secure).found == ["192.0.2.1:5061 over TLS as example.com"])
  }

  @Test func `a sips URI is looked up for TLS alone, and fails where nothing speaks it (RFC 3263 §4.1, RFC 3261 §26.2.2)`() throws {
    var zone = Zone()
    zone.host("example.com", "192.0.2.1")
    let (asked, found) = try search("sips:x@example.com;transport=tcp", zone)
    #expect(asked == ["srv _sips._tcp.example.com", "a example.com"])
    #expect(found == ["192.0.2.1:5061 over TLS as example.com"])
    let clear = ServerSearch.Means(transports: [.udp, .tcp], hasIPv4: true, hasIPv6: false)
    #expect(
      try search("sips:x@example.com", zone, clear).found == [
        "no server was found for example.com: it needs TLS, which is not configured here"
      ])
    #expect(
      try search("sip:x@example.com;transport=sctp", zone).found == [
        "no server was found for example.com: its transport 'sctp' is not spoken here"
      ])
  }

  @Test func `priorities come in their order, and weights are shares among equal ones (RFC 2782)`() throws {
    var zone = Zone()
    for (index, share) in [UInt16(10), 30, 60, 0].enumerated() {
      zone.host("w\(index).example.com", "192.0.2.\(index + 1)")
      zone.srv("_sip._udp.example.com", "w\(index).example.com", priority: 1, weight: share)
    }
    zone.host("late.example.com", "192.0.2.99")
    zone.srv("_sip._udp.example.com", "late.example.com", priority: 2, weight: 65_535)
    var firsts = [0, 0, 0, 0]
    for seed in 0..<2_000 {
      let found = try search("sip:x@example.com;transport=udp", zone, seed: UInt64(seed)).found
      #expect(found.count == 5 && found[4] == "192.0.2.99:5060 over UDP")
      for index in firsts.indices where found[0] == "192.0.2.\(index + 1):5060 over UDP" { firsts[index] += 1 }
    }
    #expect(firsts.reduce(0, +) == 2_000)
    #expect((150...250).contains(firsts[0]) && (530...670).contains(firsts[1]) && (1_110...1_290).contains(firsts[2]), "\(firsts)")
    #expect((1...60).contains(firsts[3]), "a weight of 0 is a small chance and no share: \(firsts)")
  }

  @Test func `the reason says what was missing (RFC 3263 §4.2, RFC 2782)`() throws {
    func reason(_ zone: Zone) throws -> String { try search("sip:x@example.com;transport=udp", zone).found.joined() }
    var zone = Zone()
    #expect(try reason(zone) == "no server was found for example.com: example.com does not exist")
    zone.srv("_sip._udp.example.com", ".")
    #expect(try reason(zone) == "no server was found for example.com: its SRV record says that the service is not offered (RFC 2782)")
    zone = Zone()
    zone.srv("_sip._udp.example.com", "a.example.com")
    zone.records[NameQuestion("a.example.com", .a)] = .noAnswer
    #expect(try reason(zone) == "no server was found for example.com: the name service did not answer for a.example.com")
    zone.records[NameQuestion("a.example.com", .a)] = .records([])
    #expect(try reason(zone) == "no server was found for example.com: a.example.com has no A record")
  }

  @Test func `families that are not used here are not asked for, and a zone of hundreds of servers is cut`() throws {
    var zone = Zone()
    zone.host("example.com", "192.0.2.1", "2001:db8::1")
    let both = ServerSearch.Means(transports: [.udp], hasIPv4: true, hasIPv6: true)
    #expect(try search("sip:x@example.com:5060", zone, both).found == ["192.0.2.1:5060 over UDP", "[2001:db8::1]:5060 over UDP"])
    let new = ServerSearch.Means(transports: [.udp], hasIPv4: false, hasIPv6: true)
    #expect(try search("sip:x@example.com:5060", zone, new) == (["aaaa example.com"], ["[2001:db8::1]:5060 over UDP"]))
    for index in 0..<300 {
      zone.srv("_sip._udp.example.com", "h\(index).example.com")
      zone.host("h\(index).example.com", "192.0.2.1", "192.0.2.\(index % 200 + 2)")
    }
    let (asked, found) = try search("sip:x@example.com;transport=udp", zone)
    #expect(asked.count == 1 + ServerSearch.mostServers)
    #expect(found.count == ServerSearch.mostServers)
  }
}

@Suite struct ServerHealthTests {
  private let servers = [1, 2, 3].map { SIPTarget(transport: .udp, address: TransportAddress(IPAddress(v4: $0), port: 5_060)) }

  private func at(_ seconds: Int64) -> Instant { Instant(nanoseconds: seconds * 1_000_000_000) }

  @Test func `a server that failed comes last for 30 s, twice as long each time, until it answers (RFC 3263 §4.3)`() {
    var health = ServerHealth()
    health.failed(servers[0], at: at(0))
    #expect(health.ordered(servers, at: at(29)) == [servers[1], servers[2], servers[0]])
    #expect(health.ordered(servers, at: at(30)) == servers)
    health.failed(servers[0], at: at(30))
    #expect(health.ordered(servers, at: at(89)) == [servers[1], servers[2], servers[0]])
    #expect(health.ordered(servers, at: at(90)) == servers)
    for _ in 0..<40 { health.failed(servers[0], at: at(100)) }
    #expect(health.ordered(servers, at: at(1_899)).last == servers[0])
    #expect(health.ordered(servers, at: at(1_900)) == servers)
    health.failed(servers[0], at: at(2_000))
    health.answered(servers[0])
    #expect(health.count == 0)
    health.failed(servers[0], at: at(2_000))
    #expect(health.ordered(servers, at: at(2_031)) == servers, "after an answer it begins anew")
  }

  @Test func `Retry-After says how long a server is left alone, and names do not fill the memory (RFC 3261 §21.5.4)`() {
    var health = ServerHealth()
    health.failed(servers[1], retryAfter: 120, at: at(0))
    #expect(health.ordered(servers, at: at(119)) == [servers[0], servers[2], servers[1]])
    #expect(health.ordered(servers, at: at(120)) == servers)
    for index in 0..<1_000 {
      health.failed(SIPTarget(transport: .tcp, address: TransportAddress(IPAddress(v4: UInt32(index)), port: 1)), at: at(0))
    }
    #expect(health.count <= ServerHealth.most)
    health.failed(servers[2], at: at(125))
    #expect(health.ordered(servers, at: at(126)) == servers, "its time over, it gave its place to another; the last stays last")
    #expect(health.ordered([servers[2], servers[0]], at: at(126)) == [servers[0], servers[2]])
  }
}
