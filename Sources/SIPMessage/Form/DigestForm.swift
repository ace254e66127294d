import SansIO

/// Which values of a digest header are tokens and which are quoted strings (RFC 3261 §25.1, RFC 7616 §3.3 to §3.5).
struct DigestForm {
  private let known: KnownHeader
  private let strings: [StaticString]
  private let tokens: [StaticString]

  // Made once: a header is looked over without taking memory.
  private static let credentials = (
    strings: ["username", "realm", "nonce", "uri", "response", "cnonce", "opaque"] as [StaticString],
    tokens: ["algorithm", "qop", "nc"] as [StaticString]
  )
  private static let challenge = (
    strings: ["realm", "nonce", "opaque", "domain", "qop"] as [StaticString], tokens: ["algorithm", "stale"] as [StaticString]
  )
  private static let information = (
    strings: ["nextnonce", "rspauth", "cnonce"] as [StaticString], tokens: ["qop", "nc"] as [StaticString]
  )

  init(_ known: KnownHeader) {
    self.known = known
    (strings, tokens) =
      switch known {
      case .authorization, .proxyAuthorization: Self.credentials
      case .authenticationInfo: Self.information
      default: Self.challenge
      }
  }

  func read(_ span: Span<UInt8>, _ value: Range<Int>, _ audit: inout FormAudit) {
    var start = value.lowerBound
    if known != .authenticationInfo {
      guard value.count > 7, Grammar.isSame(span, start..<start + 6, "digest"), Grammar.isWhite(span[start + 6]) else { return }
      start += 7
    }
    while start <= value.upperBound {
      let end = Grammar.elementEnd(span, start, value.upperBound)
      readParameter(span, Grammar.trimmed(span, start..<end), &audit)
      start = end + 1
    }
  }

  private func readParameter(_ span: Span<UInt8>, _ element: Range<Int>, _ audit: inout FormAudit) {
    let place = Forgiven.Place.field(known)
    guard !element.isEmpty else { return audit.add(.emptyElement, place, at: element.lowerBound) }
    let equals = WordScan.first(.equals, span, element.lowerBound, element.upperBound)
    guard equals < element.upperBound else { return }
    let name = Grammar.trimmed(span, element.lowerBound..<equals)
    let written = Grammar.trimmed(span, equals + 1..<element.upperBound)
    guard !written.isEmpty else { return audit.add(.emptyValue, place, at: equals) }
    let isQuoted = span[written.lowerBound] == .quote
    func find(_ names: [StaticString]) -> StaticString? { names.first { Grammar.isSame(span, name, $0) } }
    if isQuoted, let token = find(tokens) { audit.add(.quotedToken, place, "\(token)", at: written.lowerBound) }
    if !isQuoted, let string = find(strings) { audit.add(.unquotedString, place, "\(string)", at: written.lowerBound) }
    guard Grammar.isSame(span, name, "nc") else { return }
    let count = isQuoted && written.count > 1 ? written.dropFirst().dropLast() : written[...]
    if count.count != 8 || !count.allSatisfy({ Grammar.hexadecimal(span[$0]) != nil }) {
      audit.add(.nonceCount, place, at: written.lowerBound)
    }
  }
}
