import SDP
import SRTP
import SansIO

/// One m= line as a reader needs it.
public struct ObservedMedia: Hashable, Sendable {
  /// What it says beside port and address.
  public let terms: MediaTerms
  /// Where its writer takes media; nil when c= is no address.
  public var address: TransportAddress?
  public var port: UInt16
  public var direction: MediaDirection
  /// Where RTCP goes; equal to `port` with rtcp-mux (RFC 5761).
  public var controlPort: UInt16
  /// It has rtcp-mux; who offers that is ready for RTCP on a port of its own too, until the answer has it as well (RFC 5761 §5.1.1).
  public var isMultiplexed: Bool { terms.content.isMultiplexed }
  /// The port of RTCP where it is not multiplexed.
  public var separateControlPort: UInt16 { terms.content.controlPort ?? port &+ 1 }
  /// A c= line is there for it, whatever it says (RFC 8866 §5.7).
  public var hasConnection: Bool
  /// ICE finds the addresses; those of c= and m= are a first guess, or none at all.
  public var hasICE: Bool

  public var kind: String { terms.content.kind }
  public var profile: String { terms.content.profile }
  public var formats: [String] { terms.content.formats }
  public var encodings: [Encoding] { terms.content.encodings }
  /// Milliseconds of audio in a packet that its writer wants, and the most that it takes (RFC 8866 §6.4, §6.5).
  public var packetTime: Int? { terms.content.packetTime }
  public var maximumPacketTime: Int? { terms.content.maximumPacketTime }
  /// Where a=candidate says that media, and RTCP, may be as well (RFC 8839 §5.1).
  public var candidates: [TransportAddress] { terms.content.candidates }
  public var controlCandidates: [TransportAddress] { terms.content.controlCandidates }

  /// The keys of SDES that it names and that can be used (RFC 4568).
  public var crypto: [CryptoAttribute] { terms.content.crypto }
  /// Each line `a=crypto` with what it says, or why it cannot be used, and as it stands there.
  public var keys: CryptoOffer { terms.content.keys }
  public var cryptoLines: [Bytes] { terms.content.cryptoLines }
  /// Keys of SDES that whoever wrote the capture overwrote with `x`.
  public var hasRemovedKeys: Bool { terms.content.hasRemovedKeys }
  /// It names keys of SDES that can be used, or could be if they were still there.
  public var hasKeys: Bool { !crypto.isEmpty || hasRemovedKeys }
  /// Keys come another way than by SDES: DTLS (RFC 5763), MIKEY (RFC 4567).
  public var hasOtherKeying: Bool
  /// Keys come by DTLS (RFC 5763).
  public var hasFingerprint: Bool
  /// What stands behind `a=fingerprint:`, of the stream or else of the session (RFC 8122 §5).
  public var fingerprints: [String]
  /// `a=setup`, likewise (RFC 4145 §4).
  public var setup: String?

  /// Whether its writer takes an event by this number of telephone-event (RFC 4733 §2.4.1).
  func takes(event code: UInt8, by number: UInt8) -> Bool {
    terms.content.events.first { $0.number == number }?.taken.contains(code) ?? true
  }

  public var isRTP: Bool { terms.content.isRTP }
  public var isSecure: Bool { profile.has("SAVP") }
  /// Hold, in the way of RFC 3264 §8.4 or of RFC 2543. With ICE, 0.0.0.0 says that no candidate is known yet (RFC 8840 §4.3).
  public var isHold: Bool { !direction.receives || address?.address.isUnspecified == true && !hasICE }
  /// Every address where its writer may take media.
  public var addresses: [TransportAddress] {
    guard let address, !address.address.isUnspecified, !candidates.contains(address) else { return candidates }
    return [address] + candidates
  }
  /// The first encoding that carries sound or picture.
  public var mainEncoding: Encoding? { encodings.first { !$0.isTelephoneEvent && $0.name.uppercased() != "CN" } }

  init(_ media: MediaDescription, in description: SessionDescription, _ terms: MediaTerms) {
    let content = terms.content
    self.terms = terms
    port = media.port
    direction = content.direction ?? description.direction ?? .sendrecv
    address = (content.connection ?? description.connection).map { TransportAddress($0, port: media.port) }
    hasConnection =
      address != nil
      || (media.connectionLines.first ?? description.connectionLine).map { $0.host.contains(where: \.isLetter) } ?? false
    controlPort = content.isMultiplexed ? media.port : content.controlPort ?? media.port &+ 1
    let isTrickled = media.port == 9 && address?.address.isUnspecified == true
    hasICE = content.hasICE || isTrickled
    hasFingerprint = content.hasFingerprint || content.profile.has("TLS") || description.hasAttribute("fingerprint")
    fingerprints = media.fingerprintLines.map(\.text)
    setup = fingerprints.isEmpty ? nil : media.setupText
    hasOtherKeying =
      content.hasOtherKeying || content.profile.has("TLS") || description.hasAttribute("key-mgmt")
      || description.hasAttribute("fingerprint")
  }
}

/// What an m= section says beside its port. Sections that say the same share it: those of one product differ in nothing else.
public final class MediaTerms: Hashable, Sendable {
  struct EventsTaken: Hashable, Sendable {
    var number: UInt8
    var taken: EventSet

    init(_ media: MediaDescription, _ number: UInt8) { (self.number, taken) = (number, media.events(of: number)) }
  }

  struct Content: Hashable, Sendable {
    var kind: String
    var profile: String
    var isRTP: Bool
    var formats: [String]
    var encodings: [Encoding]
    /// What the numbers of telephone-event take.
    var events: [EventsTaken]
    var direction: MediaDirection?
    var connection: IPAddress?
    var isMultiplexed: Bool
    /// As a=rtcp says (RFC 3605).
    var controlPort: UInt16?
    var packetTime: Int?
    var maximumPacketTime: Int?
    var candidates: [TransportAddress]
    var controlCandidates: [TransportAddress]
    var hasICE: Bool
    var crypto: [CryptoAttribute]
    var keys: CryptoOffer
    var cryptoLines: [Bytes]
    var hasRemovedKeys: Bool
    var hasOtherKeying: Bool
    var hasFingerprint: Bool
  }

  let content: Content

  init(_ media: MediaDescription) {
    let candidates = media.values(ofAttribute: "candidate").compactMap(Self.candidate)
    let lines = media.cryptoLines.map { $0.compacted() }
    let kept = lines.filter { !CryptoAttribute.isOverwritten($0) }
    let (profile, keys) = (media.profile, kept.count == lines.count ? media.crypto : CryptoOffer(parsing: kept))
    content = Content(
      kind: media.kind, profile: profile, isRTP: profile.has("RTP/"), formats: media.formats, encodings: media.encodings,
      events: media.encodings.filter(\.isTelephoneEvent).map { EventsTaken(media, $0.payloadType) },
      direction: media.direction, connection: media.connection, isMultiplexed: media.hasAttribute("rtcp-mux"),
      controlPort: media.rtcpPort, packetTime: media.packetTime, maximumPacketTime: media.maximumPacketTime,
      candidates: candidates.filter { $0.component == 1 }.map(\.address),
      controlCandidates: candidates.filter { $0.component == 2 }.map(\.address),
      hasICE: !candidates.isEmpty || media.hasAttribute("ice-ufrag"),
      crypto: keys.lines.compactMap { try? $0.get() }, keys: keys, cryptoLines: lines,
      hasRemovedKeys: kept.count < lines.count, hasOtherKeying: media.hasAttribute("key-mgmt") || media.hasAttribute("fingerprint"),
      hasFingerprint: media.hasAttribute("fingerprint"))
  }

  /// `1 1 udp 2130706431 192.0.2.1 5000 typ host` (RFC 8839 §5.1); nil for TCP, and for names of mDNS.
  private static func candidate(_ text: String) -> (component: Int, address: TransportAddress)? {
    let words = text.split(separator: " ")
    guard words.count >= 6, words[2].lowercased() == "udp", let component = Int(words[1]), let address = IPAddress(String(words[4])),
      let port = UInt16(words[5])
    else { return nil }
    return (component, TransportAddress(address, port: port))
  }

  public static func == (one: MediaTerms, other: MediaTerms) -> Bool { one === other || one.content == other.content }

  public func hash(into hasher: inout Hasher) { hasher.combine(content) }
}
