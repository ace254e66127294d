import SansIO

/// What a capture shows of one TLS connection.
public struct TLSFacts: Sendable {
  public var client: TransportAddress
  public var server: TransportAddress
  public var first: FrameStamp
  public var serverName: String?
  public var version: UInt16?
  public var cipherSuite: UInt16?
  /// What each end showed of itself, as far as it could be read.
  public var certificates: (client: TLSCertificate?, server: TLSCertificate?)
  /// The handshake went on from an earlier session: the server showed no certificate (RFC 8446 §2.2, RFC 5246 §7.3).
  public var isResumed = false
  /// What the client showed, its own certificate first, in DER: at the end of the handshake alone.
  public var clientChain: [Bytes] = []
  public var alerts: [String] = []
  /// Bytes of records that could not be opened.
  public var closedBytes = 0
  /// Bytes of application data that were opened.
  public var openedBytes = 0
  /// Why records stayed closed; nil when none did.
  public var obstacle: String?

  public var versionName: String {
    switch version {
    case 0x0301: "TLS 1.0"
    case 0x0302: "TLS 1.1"
    case 0x0303: "TLS 1.2"
    case 0x0304: "TLS 1.3"
    case .some(let number): "TLS version 0x\(String(number, radix: 16))"
    case nil: "TLS"
    }
  }
}

/// Reads a TLS connection from outside: the hellos, alerts, and the records themselves where the capture has the secrets.
///
/// ```
///   clear ──ServerHello, TLS 1.3──► handshake keys ──Finished──► application keys ──KeyUpdate──► … again
///     └─────ChangeCipherSpec, TLS 1.2──► keys of the master secret
/// ```
/// (RFC 8446 §2, §7.1; RFC 5246 §6.3, §7.1)
public final class TLSObserver {
  public enum Event {
    case plaintext(Bytes)
    case alert(String)
    /// Both ends have said that the handshake is over (RFC 8446 §4.4.4, RFC 5246 §7.4.9).
    case established(TLSFacts)
  }

  private struct Side {
    public var records = TLSRecordReader()
    public var handshake = TLSHandshakeReader()
    public var opener: TLSRecordOpener?
    public var secret: Bytes?
    public var isProtected = false
    /// A record stayed closed: what comes after it cannot be read either.
    public var isClosed = false
    /// The handshake's last message has come: the application's keys follow (RFC 8446 §7.1).
    public var hasFinished = false
    /// Records whose secret is still to come.
    public var waiting: [TLSRecordReader.Record] = []
    public var waitingCount = 0
  }

  /// Bytes of a direction that may wait for their secret.
  private static let mostWaiting = 65_536

  public private(set) var facts: TLSFacts
  private let keyLog: KeyLog
  private var sides = (client: Side(), server: Side())
  /// What its secrets are known by.
  private(set) var clientRandom: Bytes?
  private var serverHello: TLSHello.Server?
  private var showsCertificate = false
  private var clientChain: [Bytes] = []

  public init(client: TransportAddress, server: TransportAddress, first: FrameStamp, keyLog: KeyLog) {
    facts = TLSFacts(client: client, server: server, first: first)
    self.keyLog = keyLog
  }

  public func take(_ bytes: Bytes, fromClient: Bool) -> [Event] {
    let records = fromClient ? sides.client.records.take(bytes) : sides.server.records.take(bytes)
    var events: [Event] = []
    for record in records { take(record, fromClient: fromClient, &events) }
    if fromClient ? sides.client.records.isLost : sides.server.records.isLost { close(bytes.count, "part of the stream is missing") }
    return events
  }

  public func gap(fromClient: Bool) {
    if fromClient { sides.client.records.lose() } else { sides.server.records.lose() }
  }

  /// The key log has secrets of this session.
  var hasSecrets: Bool { clientRandom.map { keyLog.hasSecrets($0) } ?? false }

  /// Records wait for their secrets.
  public var waits: Bool { !sides.client.waiting.isEmpty || !sides.server.waiting.isEmpty }

  /// Secrets have come: what waited for them is read.
  public func retry(fromClient: Bool) -> [Event] {
    var events: [Event] = []
    for record in takeWaiting(fromClient) { take(record, fromClient: fromClient, &events) }
    return events
  }

  /// No more secrets will come.
  public func finish() {
    for fromClient in [true, false] {
      for record in takeWaiting(fromClient) { close(record.payload.count, obstacle) }
    }
  }

  private func takeWaiting(_ fromClient: Bool) -> [TLSRecordReader.Record] {
    let records = side(fromClient).waiting
    change(fromClient) { ($0.waiting, $0.waitingCount) = ([], 0) }
    return records
  }

  private func side(_ fromClient: Bool) -> Side { fromClient ? sides.client : sides.server }

  private func change(_ fromClient: Bool, _ body: (inout Side) -> Void) {
    if fromClient { body(&sides.client) } else { body(&sides.server) }
  }

  private var isTLS13: Bool { serverHello?.version == 0x0304 }

  private func take(_ record: TLSRecordReader.Record, fromClient: Bool, _ events: inout [Event]) {
    switch record.type {
    case .changeCipherSpec:
      // In TLS 1.3 it is an empty gesture (RFC 8446 §D.4).
      if !isTLS13 { change(fromClient) { $0.isProtected = true } }
    case .handshake, .alert, .applicationData:
      let isProtected = isTLS13 ? record.type == .applicationData : side(fromClient).isProtected
      guard isProtected || (record.type == .applicationData) else {
        content(record.type.rawValue, record.payload, fromClient: fromClient, &events)
        return
      }
      open(record, fromClient: fromClient, &events)
    }
  }

  private func open(_ record: TLSRecordReader.Record, fromClient: Bool, _ events: inout [Event]) {
    guard !side(fromClient).isClosed else { return close(record.payload.count, facts.obstacle ?? "") }
    if side(fromClient).opener == nil { prepare(fromClient: fromClient) }
    guard var opener = side(fromClient).opener else { return wait(record, fromClient: fromClient) }
    guard let (type, content) = opener.open(record) else {
      change(fromClient) { $0.isClosed = true }
      return close(record.payload.count, "the secrets do not match")
    }
    change(fromClient) { $0.opener = opener }
    self.content(type, content, fromClient: fromClient, &events)
  }

  /// Keeps a record until its secret comes, where it may.
  private func wait(_ record: TLSRecordReader.Record, fromClient: Bool) {
    let isKnown = serverHello.map { TLSCipherSuite($0.cipherSuite) != nil } ?? false
    if keyLog.followsPackets, isKnown, side(fromClient).waitingCount + record.payload.count <= Self.mostWaiting {
      return change(fromClient) {
        $0.waiting.append(record)
        $0.waitingCount += record.payload.count
      }
    }
    for earlier in takeWaiting(fromClient) { close(earlier.payload.count, obstacle) }
    change(fromClient) { $0.isClosed = true }
    close(record.payload.count, obstacle)
  }

  private var obstacle: String {
    guard let hello = serverHello else { return "the handshake is not in the capture" }
    guard TLSCipherSuite(hello.cipherSuite) != nil else {
      return "cipher suite \(TLSCipherSuite.name(hello.cipherSuite)) is not supported for decryption"
    }
    return clientRandom == nil ? "its ClientHello is not in the capture" : "the capture has no secrets for it"
  }

  private func close(_ count: Int, _ reason: String) {
    facts.closedBytes += count
    if facts.obstacle == nil { facts.obstacle = reason }
  }

  private func prepare(fromClient: Bool) {
    guard let random = clientRandom, let hello = serverHello, let suite = TLSCipherSuite(hello.cipherSuite) else { return }
    if isTLS13 {
      let label = (fromClient ? "CLIENT_" : "SERVER_") + (side(fromClient).hasFinished ? "TRAFFIC_SECRET_0" : "HANDSHAKE_TRAFFIC_SECRET")
      use(keyLog.secret(label, random), suite, fromClient: fromClient)
    } else if let master = keyLog.secret("CLIENT_RANDOM", random),
      let keys = TLSSecrets.keyBlock(master: master, clientRandom: random, serverRandom: hello.random, suite)
    {
      change(fromClient) { $0.opener = TLSRecordOpener(fromClient ? keys.client : keys.server, suite, isTLS13: false) }
    }
  }

  private func use(_ secret: Bytes?, _ suite: TLSCipherSuite, fromClient: Bool) {
    guard let secret, let keys = TLSSecrets.trafficKeys(secret, suite) else { return change(fromClient) { $0.opener = nil } }
    change(fromClient) {
      $0.secret = secret
      $0.opener = TLSRecordOpener(keys, suite, isTLS13: true)
    }
  }

  private func content(_ type: UInt8, _ content: Bytes, fromClient: Bool, _ events: inout [Event]) {
    switch TLSRecordReader.ContentType(rawValue: type) {
    case .applicationData:
      facts.openedBytes += content.count
      events.append(.plaintext(content))
    case .alert:
      guard content.count == 2 else { return }
      let name = TLSAlertName.text(level: content[0], description: content[1])
      facts.alerts.append("\(fromClient ? "client" : "server"): \(name)")
      if content[1] != 0 { events.append(.alert(name)) }
    case .handshake:
      var messages: [(type: UInt8, body: Bytes)] = []
      change(fromClient) { messages = $0.handshake.take(content) }
      for message in messages { handshake(message.type, message.body, fromClient: fromClient, &events) }
    case .changeCipherSpec, nil: break
    }
  }

  private func handshake(_ type: UInt8, _ body: Bytes, fromClient: Bool, _ events: inout [Event]) {
    switch type {
    case 1:
      // One that wants a new handshake within the connection names nothing anew before it is answered (RFC 5246 §7.4.1.2).
      guard !side(fromClient).hasFinished, let hello = TLSHello.client(body) else { return }
      clientRandom = hello.random
      facts.serverName = hello.serverName
    case 2:
      guard let hello = TLSHello.server(body) else { return }
      serverHello = hello
      facts.version = hello.version
      facts.cipherSuite = hello.cipherSuite
    case 11:
      let certificate = TLSCertificate(message: body, isTLS13: isTLS13)
      if fromClient { facts.certificates.client = certificate } else { facts.certificates.server = certificate }
      if fromClient { clientChain = TLSCertificate.chain(message: body, isTLS13: isTLS13) } else { showsCertificate = true }
    case 20:
      let wasOver = side(fromClient).hasFinished && side(!fromClient).hasFinished
      change(fromClient) {
        $0.hasFinished = true
        if isTLS13 { $0.opener = nil }
      }
      if isTLS13 { prepare(fromClient: fromClient) }
      guard !wasOver, side(!fromClient).hasFinished else { return }
      facts.isResumed = !showsCertificate
      var shown = facts
      (shown.clientChain, clientChain) = (clientChain, [])
      events.append(.established(shown))
    case 24 where isTLS13:
      guard let secret = side(fromClient).secret, let suite = serverHello.flatMap({ TLSCipherSuite($0.cipherSuite) }) else { return }
      use(TLSSecrets.updated(secret, suite.hash), suite, fromClient: fromClient)
    default: break
    }
  }
}

/// Alerts by name (RFC 8446 §6).
public enum TLSAlertName {
  private static let names: [UInt8: String] = [
    0: "close_notify", 10: "unexpected_message", 20: "bad_record_mac", 22: "record_overflow", 40: "handshake_failure",
    42: "bad_certificate",
    43: "unsupported_certificate", 44: "certificate_revoked", 45: "certificate_expired", 46: "certificate_unknown", 47: "illegal_parameter",
    48: "unknown_ca", 49: "access_denied", 50: "decode_error", 51: "decrypt_error", 70: "protocol_version", 71: "insufficient_security",
    80: "internal_error", 86: "inappropriate_fallback", 90: "user_canceled", 100: "no_renegotiation", 109: "missing_extension",
    110: "unsupported_extension",
    112: "unrecognized_name", 113: "bad_certificate_status_response", 115: "unknown_psk_identity", 116: "certificate_required",
    120: "no_application_protocol",
  ]

  /// In the order of their numbers.
  public static var all: [String] { names.keys.sorted().compactMap { names[$0] } }

  /// The name alone, without what ``text(level:description:)`` says of its level.
  public static func bare(_ text: String) -> Substring { text.prefix { $0 != " " } }

  public static func text(level: UInt8, description: UInt8) -> String {
    (names[description] ?? "alert \(description)") + (level == 2 && description != 0 ? " (fatal)" : "")
  }
}
