import KallglotPolicy
import SDP
import SIPMessage
import SIPTransport
import SansIO

/// The keys of a member of the cast.
enum CastKeys {
  static let endpoint = Key.optional("endpoint", .words([("default", true)]), "The Kallglot endpoint.")
  static let persona = Key.optional("persona", .words(KnownPersona.all.map { ($0.id, $0) }), "A PBX that behaves like this product.")
  static let wire = Key.optional(
    "wire", .words([("raw", true)]), "A host without a SIP stack: it sends bytes as written in steps and shows what it receives.")
  static let proxy = Key.optional(
    "proxy", .words([("forking", true)]),
    "A SIP proxy (RFC 3261 §16) on every transport: what is sent to its own address it forks to `branches`, all at once, and everything "
      + "else goes where Route and Request-URI say. It stays on the path by Record-Route.")
  static let branches = Key.optional("branches", .oneOrMore(.text), "The members to which it forks.").with(.key("proxy"))
  static let outboundProxy = Key.optional(
    "outboundProxy", .text, "The proxy of the cast to which it sends what is for the endpoint."
  ).with(aPersona)
  static let address = Key.required(
    "address", .place(.quantity(.address)),
    "Its IP address, which no other member has; with a port behind it (`192.0.2.20:5080`) where it is not reached at the default one.")
  static let otherAddress = Key.optional(
    "otherAddress", .address,
    "Its address of the other family, where it has IPv4 and IPv6: it listens at both, and its media has the family in which it is spoken "
      + "to (RFC 6157 §4.2)."
  ).with(aPersona, .key("endpoint"))
  static let transport = Key.standard(
    "transport", .transport, "udp", "The transport of its calls, both ways; a proxy's to the endpoint.", inherits: true
  )
  .with(aPersona, .key("wire"), .key("proxy"))
  static let account = Key.optional("account", .text, "The account whose credentials it uses.", inherits: true).with(aPersona)
  static let username = Key.optional("username", .text, "Instead of the account's username.").with(.key("account"))
  static let password = Key.optional("password", .text, "Instead of the account's password.").with(.key("account"))
  static let answerDelay = Key.standard("answerDelay", .duration, "0", "From INVITE to 200 when this member is called.", inherits: true)
    .with(aPersona, .key("endpoint"))
  static let rejectsWith = Key.optional("rejectsWith", .integer(300...699), "Refuses every call with this status.").with(aPersona)
  static let earlyMedia = Key.standard("earlyMedia", .flag, "false", "Answers calls in a 183 first.").with(aPersona)
  static let media = Key.optional("media", .address, "The address of its RTP, if not its own: a phone behind its call manager.")
    .with(aPersona)
  static let music = Key.optional("music", .address, "The address of its music on hold, if not its own.").with(aPersona)
  static let directMedia = Key.optional(
    "directMedia", .address, "Direct media: as soon as a call is established, a re-INVITE moves its media to port 4000 there."
  ).with(aPersona)
  static let mediaPort = Key.optional(
    "mediaPort", .integer(1_024...65_534), "The port of its RTP, an even one, which shows what arrives there; RTCP's is the next."
  )
  .with(.key("wire"))
  static let srtp = Key.standard(
    "srtp", .words(Scenario.SRTPUse.allCases.map { ($0.rawValue, $0) }), "off",
    "What it does about SRTP: `accept` offers RTP/AVP and takes both, `osrtp` offers RTP/AVP with keys of SDES, `best-effort` "
      + "RTP/SAVP beside RTP/AVP, `require` RTP/SAVP alone; `dtls` offers UDP/TLS/RTP/SAVP alone, with keys of DTLS.",
    inherits: true
  ).with(aPersona)
  static let setup = Key.standard(
    "setup", .words([DTLSSetup.actpass, .active, .passive].map { ($0.rawValue, $0) }), "actpass",
    "What its offers say by `a=setup` (RFC 5763 §5); its answers let the other side begin where it says `passive`."
  ).with(.key("srtp", "dtls"))
  static let rtcpMux = Key.standard(
    "rtcpMux", .flag, "false", "RTCP comes and goes on the port of its RTP where both sides want it (RFC 5761)."
  ).with(aPersona)
  static let rekey = Key.standard(
    "rekey", .words(Policy.Rekey.allCases.map { ($0.rawValue, $0) }), "keepROC",
    "What a new key of SDES at another address does to its rollover counters: `keepROC` (RFC 3711 §3.3.1) or `restartROC` (RFC 4568 "
      + "§7.1.4). The endpoint's is the policy's `rekey`."
  ).with(.key("srtp", "accept", "osrtp", "best-effort", "require"))
  static let firstSequence = Key.optional(
    "firstSequence", .integer(0...65_535), "The sequence number of the first packet of each of its streams; drawn when missing."
  ).with(aPersona, .key("endpoint"))
  static let jitterBuffer = Key.standard(
    "jitterBuffer", .jitterBuffer, "none",
    "How long received frames wait for those behind them; what comes later is not heard. The endpoint's is the policy's `jitterBuffer`."
  ).with(aPersona)
  static let voipMetrics = Key.standard(
    "voipMetrics", .flag, "false", "Its RTCP has an XR packet with VoIP metrics (RFC 3611 §4.7)."
  ).with(aPersona)
  static let certificate = Key.optional(
    "certificate", .certificate,
    "The certificate it shows, as a client too where it is asked: the word of one in `given: certificates`, or one of its own. "
      + "When missing: a right one as a server, none as a client."
  ).with(.key("transport", "tls"), .key("endpoint"))
  static let versions = Key.optional(
    "versions", .tlsVersions, "The TLS versions it speaks; those of its product when missing."
  ).with(.key("transport", "tls"))
  static let suites = Key.optional(
    "suites", .text, "The cipher suites of TLS 1.2 and below that it speaks, in OpenSSL's notation, such as `NULL-SHA256`."
  ).with(.key("transport", "tls"))
  static let keepAlive = Key.optional(
    "keepAlive", .duration,
    "It sends CRLF on connections that it opened, each time after 80 to 100 % of this, and expects the pong within 10 s (RFC 5626 §4.4.1)."
  ).with(.key("transport", "tcp", "tls"))
  private static let aPersona = FieldCondition.key("persona")

  static let shape = MappingShape(
    [
      endpoint, persona, wire, proxy, branches, outboundProxy, address, otherAddress, transport, account, username, password,
      answerDelay, rejectsWith,
      earlyMedia, media, music, directMedia, mediaPort, srtp, setup, rtcpMux, rekey, firstSequence, jitterBuffer, voipMetrics, keepAlive,
      certificate, versions, suites, AudioKeys.codecs, AudioKeys.opus, AudioKeys.ptime, AudioKeys.maxptime,
      AudioKeys.answerCodecs, AudioKeys.audio, defect,
    ],
    exactlyOneOf: [["endpoint", "persona", "wire", "proxy"]])
}

extension Scenario {
  /// Reads `cast:`. Members with a mistake are kept by name, so that what refers to them is no second one.
  mutating func readCast(_ place: NodeReader, _ scope: StepScope) throws(SourceProblem) {
    let pairs = try place.pairs()
    guard !pairs.isEmpty else { throw place.problem("there are no members") }
    for (name, keyPlace, value) in pairs {
      scope.notes.give(.member, name, at: keyPlace)
      var reading = StepScope(scenario: self, notes: scope.notes)
      reading.defaults = scope.defaults
      let member = scope.notes.attempt { () throws(SourceProblem) in try Self.readMember(name, value, accounts: accounts, reading) }
      for address in member?.addresses ?? [] {
        guard let twin = cast.first(where: { $0.addresses.contains(address) }) else { continue }
        scope.notes.add(keyPlace.problem("\(name) and \(twin.name) have the same address \(address)"))
      }
      cast.append(member ?? Self.placeholder(name, value))
    }
    for (_, _, value) in pairs { scope.notes.attempt { () throws(SourceProblem) in try checkProxies(value, scope) } }
    // The endpoint is what every scenario is about: nobody has to name it.
    if let endpoint { scope.notes.use(.member, endpoint.name) }
  }

  /// Read when all members are known.
  private func checkProxies(_ member: NodeReader, _ scope: StepScope) throws(SourceProblem) {
    func use(_ place: NodeReader, _ what: String, _ isFit: (Member) -> Bool) throws(SourceProblem) {
      let name = try place.word(cast.map { ($0.name, $0.name) })
      scope.notes.use(.member, name)
      if let member = self.member(name), !isFit(member) { throw place.problem("\(name) is not \(what)") }
    }
    for (key, _, value) in try member.pairs() {
      if key == CastKeys.branches.description.name {
        for place in try value.elementsOrOne() {
          try use(place, "a persona or a wire member, which can be called") { if case .persona = $0.role { true } else { $0.isWire } }
        }
      } else if key == CastKeys.outboundProxy.description.name {
        try use(value, "a proxy") { if case .proxy = $0.role { true } else { false } }
      }
    }
  }

  private static func readMember(
    _ name: String, _ place: NodeReader, accounts: [AccountGiven], _ scope: StepScope
  ) throws(SourceProblem) -> Member {
    let fields = try place.fields(CastKeys.shape, scope)
    var role: Member.Role = .endpoint
    if let profile = try fields[CastKeys.persona] { role = .persona(profile) }
    if try fields[CastKeys.wire] != nil { role = .wire }
    let branches = try fields[CastKeys.branches] ?? []
    if try fields[CastKeys.proxy] != nil { role = .proxy(branches: branches) }
    _ = try fields[CastKeys.endpoint]
    let transport = try fields[CastKeys.transport]
    var account: String?
    if let place = fields.place(of: CastKeys.account) {
      let name = try place.text()
      guard accounts.contains(where: { $0.name == name }) else {
        throw place.problem("account '\(name)' is not given\(Spelling.hint(for: name, among: accounts.map(\.name)))")
      }
      if case .persona = role {
        account = name
        scope.notes.use(.account, name)
      }
    }
    let (address, port) = try fields[CastKeys.address].memberAddress()
    var member = Member(
      name: name, role: role, address: address, transport: transport, account: account,
      password: try fields[CastKeys.password],
      answerDelay: try fields[CastKeys.answerDelay], rejectsWith: try fields[CastKeys.rejectsWith],
      hasEarlyMedia: try fields[CastKeys.earlyMedia])
    (member.media, member.music, member.port) = (try fields[CastKeys.media], try fields[CastKeys.music], port)
    member.otherAddress = try readOther(fields, address)
    (member.directMedia, member.username) = (try fields[CastKeys.directMedia], try fields[CastKeys.username])
    (member.outboundProxy, member.mediaPort) = (try fields[CastKeys.outboundProxy], try Self.mediaPort(fields))
    try member.readSecurity(fields)
    member.audio = try AudioGiven(fields)
    member.keepAlive = try readKeepAlive(fields, role)
    member.defects = try fields.defects(of: role)
    return member
  }

  private static func readOther(_ fields: FieldSet, _ address: IPAddress) throws(SourceProblem) -> IPAddress? {
    guard let other = try fields[CastKeys.otherAddress], let place = fields.place(of: CastKeys.otherAddress) else { return nil }
    guard other.isIPv6 != address.isIPv6 else {
      throw place.problem("\(other) is of the same family as \(address); otherAddress is the one of \(address.isIPv6 ? "IPv4" : "IPv6")")
    }
    return other
  }

  private static func readKeepAlive(_ fields: FieldSet, _ role: Member.Role) throws(SourceProblem) -> Duration? {
    guard let interval = try fields[CastKeys.keepAlive], let place = fields.place(of: CastKeys.keepAlive) else { return nil }
    guard case .persona = role else { throw place.problem("a wire member sends what steps say: CRLF by 'send' with hex") }
    guard interval >= .seconds(1) else { throw place.problem("a connection is kept alive once a second at most") }
    return interval
  }

  private static func mediaPort(_ fields: FieldSet) throws(SourceProblem) -> UInt16? {
    guard let number = try fields[CastKeys.mediaPort] else { return nil }
    if number % 2 != 0, let place = fields.place(of: CastKeys.mediaPort) {
      throw place.problem("\(number) is odd: RTP's port is even, and RTCP's is the next (RFC 3550 §11)")
    }
    return UInt16(number)
  }

  /// Stands for a member that could not be read; such a scenario never runs.
  private static func placeholder(_ name: String, _ place: NodeReader) -> Member {
    // Of what role it was meant to be; who says nothing readable may be the endpoint that others need.
    let words: [(String, Member.Role)] = [("wire", .wire), ("persona", .persona(.plainCaller)), ("proxy", .proxy(branches: []))]
    let role = words.first { place.node[$0.0] != nil }?.1 ?? .endpoint
    let transport = place.node["transport"]?.scalar.flatMap { SIPTransportProtocol(rawValue: $0) }
    return Member(
      name: name, role: role, address: .anyV4, transport: transport ?? .udp, account: nil, password: nil, answerDelay: .zero,
      rejectsWith: nil, hasEarlyMedia: false)
  }
}

extension Scenario.Member {
  public var isWire: Bool { if case .wire = role { true } else { false } }
}
