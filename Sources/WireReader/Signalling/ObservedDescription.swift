import SDP
import SIPMessage
import SansIO

/// A session description in a message.
public final class ObservedDescription: Sendable {
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
  init?(_ message: SIPMessage, _ origin: Carried<Void>, _ spellings: Spellings) {
    guard !message.body.isEmpty, let type = message.first(.contentType) else { return nil }
    let bytes: Bytes
    if type.begins("application/sdp") {
      bytes = message.body
    } else if type.begins("multipart/"), let part = Self.part(message.body) {
      bytes = part
    } else {
      return nil
    }
    let (description, error) = Self.read(bytes)
    (stamp, owner, self.error, digest) = (origin.stamp, origin.source, error, ByteHash.of(bytes))
    media = description.map { found in found.media.map { ObservedMedia($0, in: found, spellings.terms(of: $0)) } } ?? []
    self.origin = description.flatMap { ObservedOrigin($0) }
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
