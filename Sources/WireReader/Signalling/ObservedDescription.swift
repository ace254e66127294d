import SDP
import SIPMessage
import SansIO

/// One m= line as a reader needs it.
public struct ObservedMedia: Hashable {
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

  public var isRTP: Bool { profile.contains("RTP/") }
  public var isSecure: Bool { profile.contains("SAVP") }
  /// Hold, in the way of RFC 3264 §8.4 or of RFC 2543.
  public var isHold: Bool { !direction.receives || address?.address.isUnspecified == true }
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
    controlPort = media.hasAttribute("rtcp-mux") ? media.port : media.rtcpPort ?? media.port &+ 1
  }
}

/// A session description in a message.
public struct ObservedDescription {
  public let stamp: FrameStamp
  /// Who sent the message, as its packet says.
  public let owner: TransportAddress
  public let media: [ObservedMedia]
  /// Why it cannot be read.
  public let error: SDPError?

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
    do {
      let description = try SessionDescription.parse(bytes)
      return ObservedDescription(
        stamp: origin.stamp, owner: origin.source, media: description.media.map { ObservedMedia($0, in: description) }, error: nil)
    } catch { return ObservedDescription(stamp: origin.stamp, owner: origin.source, media: [], error: error) }
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
