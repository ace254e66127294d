import SansIO

/// An application level gateway for SIP, as routers have one: it writes the outside address into messages where the inside one is.
///
/// It looks at what passes its port in clear and begins as SIP does; TLS it cannot read. Done ``Habit/well`` it does what the kernel's
/// `nf_nat_sip` does; every other habit is a mistake that products make.
public struct SIPALG: Hashable, Sendable {
  public enum Habit: UInt8, Hashable, Sendable, CaseIterable {
    /// Request-URI, top Via, Contact, From, To, o=, c=, the ports of m= and Content-Length: all, and back on the way in.
    case well
    /// As `well`, but Content-Length says how long the body was.
    case keepsContentLength
    /// As `well`, but the private Contact stays.
    case keepsContact
    /// Nothing but c= (and Content-Length).
    case connectionOnly
    /// As `well`, but in the responses Via keeps the outside address: the client does not know its own transaction (RFC 3261 §18.1.2).
    case keepsVia
    /// As `well`, but m= names a port that nothing was opened for.
    case wrongMediaPort
    /// Replaces the digits of the address wherever they are, also at the beginning of a longer address and in a Call-ID.
    case everywhere

    /// As a scenario writes it.
    public var word: String {
      switch self {
      case .well: "well"
      case .keepsContentLength: "keeps-content-length"
      case .keepsContact: "keeps-contact"
      case .connectionOnly: "connection-only"
      case .keepsVia: "keeps-via"
      case .wrongMediaPort: "wrong-media-port"
      case .everywhere: "everywhere"
      }
    }
  }

  public var habit: Habit
  /// It looks at what is sent to or from this port.
  public var port: UInt16

  public init(_ habit: Habit = .well, port: UInt16 = 5060) { (self.habit, self.port) = (habit, port) }

  /// An address that is replaced, with its port.
  public struct Replacement: Hashable, Sendable {
    public var from: TransportAddress
    public var to: TransportAddress

    public init(_ from: TransportAddress, _ to: TransportAddress) { (self.from, self.to) = (from, to) }
  }

  /// Rewrites one message.
  ///
  /// - Parameters:
  ///   - isOutbound: whether it comes from inside.
  ///   - promise: the outside port for an address inside that RTP will be sent from; nil = there is none.
  /// - Returns: nil when nothing was to be replaced: no SIP, or no such address in it.
  public func rewrite(
    _ bytes: Bytes, isOutbound: Bool, _ replacement: Replacement, promise: (TransportAddress) -> UInt16?
  ) -> Rewriting? {
    guard var message = SIPText(bytes) else { return nil }
    var rewriter = SIPRewriter(alg: self, isOutbound: isOutbound, replacement: replacement)
    habit == .everywhere ? rewriter.replaceText(&message) : rewriter.rewrite(&message, promise: promise)
    let name = message.name
    let claimed = message.contentLength
    guard !rewriter.changed.isEmpty || !rewriter.left.isEmpty else { return nil }
    let report = Rewriting.Report(
      message: name, changed: rewriter.changed, left: rewriter.left, contentLength: claimed.flatMap { Int(exactly: $0) },
      body: message.body.count)
    return Rewriting(bytes: rewriter.changed.isEmpty ? bytes : message.bytes, report: report)
  }
}

/// What a gateway made of a message.
public struct Rewriting: Hashable, Sendable {
  /// The parts of a message that have an address.
  public struct Fields: OptionSet, Hashable, Sendable {
    public var rawValue: UInt16
    public init(rawValue: UInt16) { self.rawValue = rawValue }
    public static let requestURI = Fields(rawValue: 1)
    public static let via = Fields(rawValue: 2)
    public static let contact = Fields(rawValue: 4)
    public static let fromTo = Fields(rawValue: 8)
    public static let origin = Fields(rawValue: 16)
    public static let connection = Fields(rawValue: 32)
    public static let media = Fields(rawValue: 64)
    public static let contentLength = Fields(rawValue: 128)
    /// Any text at all.
    public static let text = Fields(rawValue: 256)

    private static let names = ["Request-URI", "Via", "Contact", "From/To", "o=", "c=", "m=", "Content-Length", "text"]

    /// As a person names them, in the order of a message.
    public var words: [String] { Self.names.indices.filter { rawValue & 1 << $0 != 0 }.map { Self.names[$0] } }
  }

  public struct Report: Hashable, Sendable {
    /// `INVITE`, `200 to INVITE`.
    public var message: String
    public var changed: Fields
    /// What should have been changed too.
    public var left: Fields
    /// What Content-Length says now; nil = it is missing.
    public var contentLength: Int?
    /// How long the body is now.
    public var body: Int

    /// Whether the message is broken now, or says only half of what it should.
    public var isBad: Bool { !left.isEmpty || changed.contains(.text) }
  }

  public var bytes: Bytes
  public var report: Report
}
