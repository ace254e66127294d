import SansIO

// Values as text, for reports and people.
extension SessionDescription {
  public var origin: Origin? {
    guard let line = originLine else { return nil }
    return bytes.withSpan { span in
      var (position, words): (Int, [String]) = (line.username.lowerBound, [])
      while let word = SDPText.word(span, &position, line.username.upperBound) { words.append(SDPText.text(span, word)) }
      return Origin(
        username: words.joined(separator: " "), sessionID: SDPText.text(span, line.sessionID), version: SDPText.text(span, line.version),
        address: SDPText.text(span, line.address))
    }
  }

  public var sessionName: String? { first("s", in: sessionLines).map { text($0.value) } }
  /// c= at session level, in full.
  public var connectionLine: ConnectionLine? { connectionLines(sessionLines).first }
  public var bandwidths: [Bandwidth] { bandwidths(sessionLines) }

  func connectionLines(_ range: Range<Int>) -> [ConnectionLine] { values("c", range).compactMap(ConnectionLine.init) }

  func bandwidths(_ range: Range<Int>) -> [Bandwidth] { values("b", range).compactMap(Bandwidth.init) }

  private func values(_ type: Unicode.Scalar, _ range: Range<Int>) -> [Bytes] {
    lines[range].compactMap { $0.type == UInt8(ascii: type) ? bytes[$0.value] : nil }
  }
}

extension MediaDescription {
  /// What c= says, also where it is a name or a kind of address we do not know (RFC 8866 §5.7).
  public var connectionLines: [ConnectionLine] { description.connectionLines(lines) }
  public var bandwidths: [Bandwidth] { description.bandwidths(lines) }
}
