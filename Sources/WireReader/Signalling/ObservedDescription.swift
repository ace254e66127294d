import SDP
import SIPMessage
import SansIO

/// One m= line as a reader needs it.
public struct ObservedMedia: Hashable, Sendable {
  public var kind: String
  /// Where its writer takes media; nil when c= is no address.
  public var address: TransportAddress?
  public var port: UInt16
  public var profile: String
  public var formats: [String]
  public var encodings: [Encoding]
  public var direction: MediaDirection
  /// Where RTCP goes; equal to `port` with rtcp-mux (RFC 5761).
  public var controlPort: UInt16

  /// Milliseconds of audio in a packet that its writer wants, and the most that it takes (RFC 8866 §6.4, §6.5).
  public var packetTime: Int?
  public var maximumPacketTime: Int?
  /// Where a=candidate says that media, and RTCP, may be as well (RFC 8839 §5.1).
  public var candidates: [TransportAddress]
  public var controlCandidates: [TransportAddress]
  /// A c= line is there for it, whatever it says (RFC 8866 §5.7).
  public var hasConnection: Bool
  /// ICE finds the addresses; those of c= and m= are a first guess, or none at all.
  public var hasICE: Bool

  public var isRTP: Bool { profile.has("RTP/") }
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

  public init(_ media: MediaDescription, in description: SessionDescription) {
    kind = media.kind
    port = media.port
    profile = media.profile
    formats = media.formats
    encodings = media.encodings
    direction = media.direction ?? description.direction ?? .sendrecv
    address = (media.connection ?? description.connection).map { TransportAddress($0, port: media.port) }
    hasConnection =
      address != nil
      || (media.connectionLines.first ?? description.connectionLine).map { $0.host.contains(where: \.isLetter) } ?? false
    controlPort = media.hasAttribute("rtcp-mux") ? media.port : media.rtcpPort ?? media.port &+ 1
    packetTime = media.packetTime
    maximumPacketTime = media.maximumPacketTime
    let candidates = media.values(ofAttribute: "candidate").compactMap(Self.candidate)
    self.candidates = candidates.filter { $0.component == 1 }.map(\.address)
    controlCandidates = candidates.filter { $0.component == 2 }.map(\.address)
    let isTrickled = media.port == 9 && address?.address.isUnspecified == true
    hasICE = !candidates.isEmpty || media.hasAttribute("ice-ufrag") || isTrickled
  }

  /// `1 1 udp 2130706431 192.0.2.1 5000 typ host` (RFC 8839 §5.1); nil for TCP, and for names of mDNS.
  private static func candidate(_ text: String) -> (component: Int, address: TransportAddress)? {
    let words = text.split(separator: " ")
    guard words.count >= 6, words[2].lowercased() == "udp", let component = Int(words[1]), let address = IPAddress(String(words[4])),
      let port = UInt16(words[5])
    else { return nil }
    return (component, TransportAddress(address, port: port))
  }
}

/// A session description in a message.
public struct ObservedDescription: Sendable {
  public let stamp: FrameStamp
  /// Who sent the message, as its packet says.
  public let owner: TransportAddress
  public let media: [ObservedMedia]
  /// Nil where there is no o= that can be read.
  public let origin: ObservedOrigin?
  /// Why it cannot be read.
  public let error: SDPError?
  /// Of all its bytes: copies have the same.
  public let digest: UInt64

  public var audio: ObservedMedia? { media.first { $0.kind == "audio" && $0.port != 0 } ?? media.first { $0.kind == "audio" } }

  /// The description in the body, alone or as a part of multipart (RFC 3261 §7.4.1, RFC 5621).
  public static func find(_ message: SIPMessage, _ origin: Carried<Void>) -> ObservedDescription? {
    guard !message.body.isEmpty, let type = message.first(.contentType)?.text.lowercased() else { return nil }
    let bytes: Bytes
    if type.hasPrefix("application/sdp") {
      bytes = message.body
    } else if type.hasPrefix("multipart/"), let part = part(message.body) {
      bytes = part
    } else {
      return nil
    }
    let (description, error) = read(bytes)
    return ObservedDescription(
      stamp: origin.stamp, owner: origin.source,
      media: description.map { found in found.media.map { ObservedMedia($0, in: found) } } ?? [],
      origin: description.flatMap { ObservedOrigin(bytes, $0) }, error: error, digest: Self.digest(bytes))
  }

  /// FNV-1a.
  private static func digest(_ bytes: Bytes) -> UInt64 {
    bytes.withSpan { span in
      var value: UInt64 = 0xCBF2_9CE4_8422_2325
      for index in span.indices { value = (value ^ UInt64(span[index])) &* 0x100_0000_01B3 }
      return value
    }
  }

  /// One line that cannot be read does not take the others with it: an endpoint may refuse the whole, a reader reads on.
  private static func read(_ bytes: Bytes) -> (description: SessionDescription?, error: SDPError?) {
    var (bytes, first) = (bytes, SDPError?.none)
    for _ in 0..<16 {
      do { return (try SessionDescription.parse(bytes), first) } catch {
        first = first ?? error
        guard let mended = mend(bytes, error) else { return (nil, first) }
        bytes = mended
      }
    }
    return (nil, first)
  }

  /// Without the line that is odd; an m= line keeps its place, because offer and answer are compared by it (RFC 3264 §6).
  private static func mend(_ bytes: Bytes, _ error: SDPError) -> Bytes? {
    var lines = bytes.split(separator: 10, omittingEmptySubsequences: false).map(Array.init)
    func index(_ number: Int) -> Int? { number >= 1 && number <= lines.count ? number - 1 : nil }
    switch error {
    case .line(let number, _):
      guard let odd = index(number) else { return nil }
      lines.remove(at: odd)
    case .media(let number, let text):
      guard let odd = index(number) else { return nil }
      let words = text.split(separator: " ")
      let isRejected = words.count == 3 && words[1] == "0"
      let mended = isRejected ? "m=\(text.trimmingSpaces) *\r" : "m=\(words.first.map(String.init) ?? "unknown") 0 unknown *\r"
      guard lines[odd] != Array(mended.utf8) else { return nil }
      lines[odd] = Array(mended.utf8)
    case .tooLong, .tooManyMedia, .noVersion, .version, .origin: return nil
    }
    return Bytes(lines.joined(separator: [10]).map(\.self))
  }

  /// The part of type application/sdp, up to the boundary line.
  private static func part(_ body: Bytes) -> Bytes? {
    let lines = body.split(separator: 10, omittingEmptySubsequences: false)
    var isWanted = false
    var content: [UInt8]?
    for line in lines {
      let text = line.last == 13 ? line[0..<line.count - 1] : line
      if text.starts(with: "--".utf8) {
        if content != nil { break }
        isWanted = false
      } else if content != nil {
        content?.append(contentsOf: text)
        content?.append(contentsOf: [13, 10])
      } else if text.text.lowercased().replacing(" ", with: "").hasPrefix("content-type:application/sdp") {
        isWanted = true
      } else if text.isEmpty, isWanted {
        content = []
      }
    }
    return content.map { Bytes($0) }
  }
}
