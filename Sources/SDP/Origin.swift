/// o= (RFC 8866 §5.2) as text.
public struct Origin: Hashable, Sendable {
  public var username: String
  public var sessionID: String
  public var version: String
  public var address: String

  public init(username: String, sessionID: String, version: String, address: String) {
    self.username = username
    self.sessionID = sessionID
    self.version = version
    self.address = address
  }
}

/// Where the words of an o= line are.
struct OriginLine {
  /// May be several words, or none: products write so.
  var username: Range<Int>
  var sessionID: Range<Int>
  var version: Range<Int>
  var address: Range<Int>

  /// nil where the last five words are not those of RFC 8866.
  init?(_ span: Span<UInt8>, _ value: Range<Int>) {
    var end = value.upperBound
    guard let address = SDPText.lastWord(span, value.lowerBound, &end), SDPText.lastWord(span, value.lowerBound, &end) != nil,
      let network = SDPText.lastWord(span, value.lowerBound, &end), SDPText.isEqual(span, network, "IN"),
      let version = SDPText.lastWord(span, value.lowerBound, &end), let sessionID = SDPText.lastWord(span, value.lowerBound, &end)
    else { return nil }
    (self.address, self.version, self.sessionID, username) = (address, version, sessionID, value.lowerBound..<end)
  }
}
