import SansIO

/// What a session description has beside the grammar of RFC 8866 §9, and is read with all the same.
public struct DescriptionForm: Hashable, Sendable, CustomStringConvertible {
  public enum Kind: Hashable, Sendable, CaseIterable {
    case lineFeed, bareReturn, control, noLastEnd, emptyLine
    /// A type of line that has to be there, stands elsewhere, stands once, or is not known.
    case missing, order, repeated, unknown
    case spaces, originWords, mapSpacing, addressType
  }

  public var kind: Kind
  /// The line's type.
  public var type: UInt8?
  /// From 1.
  public var line: Int

  private var name: String { type.map { "\(Character(Unicode.Scalar($0)))=" } ?? "a line" }

  /// As the rest of a sentence that begins with a description.
  public var description: String {
    switch kind {
    case .lineFeed: "ends lines with LF instead of CRLF"
    case .bareReturn: "has a CR without LF in \(name)"
    case .control: "has a control character in \(name)"
    case .noLastEnd: "has no CRLF behind its last line"
    case .emptyLine: "has an empty line"
    case .missing: "has no \(name)"
    case .order: "has \(name) out of its order"
    case .repeated: "has \(name) more than once"
    case .unknown: "has a line \(name), which is not known"
    case .spaces: "has more spaces in \(name) than separate its words"
    case .originWords: "has an o= of other than six words"
    case .addressType: "has an address in \(name) that is not of the type before it"
    case .mapSpacing: "has an a=rtpmap that is not spelt as payload type, space, name and rate"
    }
  }

  public var section: String {
    switch kind {
    case .missing where type == UInt8(ascii: "t"): "RFC 8866 §5.9"
    case .missing: "RFC 8866 §5.3"
    case .originWords: "RFC 8866 §5.2"
    case .mapSpacing: "RFC 8866 §6.6"
    case .addressType: "RFC 8866 §5.7"
    default: "RFC 8866 §5"
    }
  }

  /// Each kind once a type of line; empty for a description that follows the grammar.
  public static func find(in bytes: Bytes) -> [DescriptionForm] {
    var reader = Reader()
    bytes.withSpan { reader.read($0) }
    return reader.found
  }
}

extension DescriptionForm {
  private struct Reader {
    private(set) var found: [DescriptionForm] = []
    /// Types of the session's lines.
    private var seen: Set<UInt8> = []
    private var rank = -1
    private var isMedia = false

    private static let most = 16

    private mutating func add(_ kind: Kind, _ type: UInt8?, _ line: Int) {
      guard found.count < DescriptionForm.Reader.most, !found.contains(where: { $0.kind == kind && $0.type == type }) else { return }
      found.append(DescriptionForm(kind: kind, type: type, line: line))
    }

    mutating func read(_ span: Span<UInt8>) {
      var (number, start) = (0, 0)
      while start < span.count {
        let feed = WordScan.first(10, span, start, span.count)
        let hasReturn = feed < span.count && feed > start && span[feed - 1] == 13
        let end = hasReturn ? feed - 1 : feed
        number += 1
        if feed == span.count { add(.noLastEnd, nil, number) } else if !hasReturn { add(.lineFeed, nil, number) }
        if end == start { add(.emptyLine, nil, number) }
        if end > start + 1, span[start + 1] == UInt8(ascii: "=") { readLine(span, start + 2..<end, span[start], number) }
        start = feed + 1
      }
      for type in [UInt8(ascii: "s"), UInt8(ascii: "t")] where !seen.contains(type) { add(.missing, type, number) }
    }

    private mutating func readLine(_ span: Span<UInt8>, _ value: Range<Int>, _ type: UInt8, _ number: Int) {
      place(type, number)
      let control = WordScan.firstControl(span, value.lowerBound, value.upperBound)
      if control < value.upperBound, span[control] != 9 { add(span[control] == 13 ? .bareReturn : .control, type, number) }
      switch type {
      case UInt8(ascii: "m"), UInt8(ascii: "t"): if !isSpaced(span, value) { add(.spaces, type, number) }
      case UInt8(ascii: "c"), UInt8(ascii: "o"):
        if !isSpaced(span, value) { add(.spaces, type, number) }
        if type == UInt8(ascii: "o"), words(span, value) != 6 { add(.originWords, type, number) }
        if !hasAddressOfItsType(span, value) { add(.addressType, type, number) }
      case UInt8(ascii: "a"):
        if let map = SessionDescription.attribute("rtpmap", span, value), !isMap(span, map) { add(.mapSpacing, type, number) }
      default: break
      }
    }

    // MARK: - Order (RFC 8866 §9)

    private static let session = Array("vosiuepcbtzka".utf8)
    private static let media = Array("micbka".utf8)
    /// Of these a level has one at most.
    private static let single = Set("vosiuczk".utf8)

    private mutating func place(_ type: UInt8, _ number: Int) {
      if type == UInt8(ascii: "m") {
        (isMedia, rank) = (true, 0)
        return
      }
      // A repetition belongs to its time.
      let sorted = type == UInt8(ascii: "r") ? UInt8(ascii: "t") : type
      guard let place = (isMedia ? DescriptionForm.Reader.media : DescriptionForm.Reader.session).firstIndex(of: sorted) else {
        return add(.unknown, type > 32 && type < 127 ? type : nil, number)
      }
      if place < rank { add(.order, type, number) }
      rank = max(rank, place)
      guard !isMedia else { return }
      if !seen.insert(type).inserted, DescriptionForm.Reader.single.contains(type) { add(.repeated, type, number) }
    }

    // MARK: - Words

    /// One space between words, and none at the ends.
    private func isSpaced(_ span: Span<UInt8>, _ value: Range<Int>) -> Bool {
      var isAfterSpace = true
      for index in value {
        let isSpace = span[index] == SDPText.space
        if isSpace, isAfterSpace { return false }
        isAfterSpace = isSpace
      }
      return !isAfterSpace
    }

    private func words(_ span: Span<UInt8>, _ value: Range<Int>) -> Int {
      var (position, count) = (value.lowerBound, 0)
      while SDPText.word(span, &position, value.upperBound) != nil { count += 1 }
      return count
    }

    /// `IP4 192.0.2.1`, `IP6 ::1`, or a name of either.
    private func hasAddressOfItsType(_ span: Span<UInt8>, _ value: Range<Int>) -> Bool {
      var end = value.upperBound
      guard let word = SDPText.lastWord(span, value.lowerBound, &end), let type = SDPText.lastWord(span, value.lowerBound, &end) else {
        return true
      }
      let slash = WordScan.first(UInt8(ascii: "/"), span, word.lowerBound, word.upperBound)
      let address = span.extracting(word.lowerBound..<slash).withUnsafeBufferPointer { IPAddress(utf8: $0) }
      guard let address else { return true }
      return address.isIPv6 ? SDPText.isSame(span, type, "IP6") : SDPText.isSame(span, type, "IP4")
    }

    /// `96 opus/48000/2`.
    private func isMap(_ span: Span<UInt8>, _ value: Range<Int>) -> Bool {
      let space = WordScan.first(SDPText.space, span, value.lowerBound, value.upperBound)
      let slash = WordScan.first(UInt8(ascii: "/"), span, value.lowerBound, value.upperBound)
      guard space > value.lowerBound, space + 1 < slash, slash + 1 < value.upperBound else { return false }
      return !(space + 1..<value.upperBound).contains { span[$0] == SDPText.space }
    }
  }
}
