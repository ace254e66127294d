import SIPMessage

/// A header field as a product writes it, as a file can name it.
public struct HeaderLine: Hashable, Sendable, Codable {
  public var name: String
  public var value: String

  public init(_ name: String, _ value: String) { (self.name, self.value) = (name, value) }

  public var field: HeaderField { HeaderField(HeaderName(name), value) }
}
