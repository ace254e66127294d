import SDP
import SIPMessage
import SansIO

/// What was read from the same bytes before, so that it is read and kept once: a message and its answer share their identifiers, the
/// messages of a host its addresses, and the descriptions of a product its formats.
///
/// Memory is fixed: what comes takes the place of what was there.
final class Spellings {
  private struct Terms {
    var kind: Bytes
    var rest: Bytes
    var terms: MediaTerms
  }

  private static let mostTexts = 1_024
  private static let mostTerms = 64
  /// Text of more bytes does not come again.
  private static let longestText = 256
  // Looked up for every message by code that cannot overlap itself.
  @exclusivity(unchecked) private var texts = [String](repeating: "", count: mostTexts)
  @exclusivity(unchecked) private var terms = [Terms?](repeating: nil, count: mostTerms)

  /// The text at a place of a message.
  func text(_ message: SIPMessage, _ part: ByteRange) -> String {
    guard part.count <= Self.longestText else { return message.text(part) }
    return message.bytes.withSpan { span in
      let index = Int(truncatingIfNeeded: ByteHash.of(span, part.range)) & (Self.mostTexts - 1)
      return span.extracting(part.range).withUnsafeBytes { bytes in
        let isKnown = texts[index].utf8.withContiguousStorageIfAvailable { known in
          known.count == bytes.count && Bytes.isEqual(UnsafeRawBufferPointer(known), bytes)
        }
        if isKnown != true { texts[index] = String(decoding: bytes, as: UTF8.self) }
        return texts[index]
      }
    }
  }

  func terms(of media: MediaDescription) -> MediaTerms {
    let (kind, rest) = media.wording
    let index = Int(truncatingIfNeeded: ByteHash.of(rest)) & (Self.mostTerms - 1)
    if let known = terms[index], known.rest == rest, known.kind == kind { return known.terms }
    let new = MediaTerms(media)
    terms[index] = Terms(kind: kind.compacted(), rest: rest.compacted(), terms: new)
    return new
  }
}
