/// A header field to be written.
public struct HeaderField: Hashable, Sendable {
  public var name: HeaderName
  public var value: String

  public init(_ name: HeaderName, _ value: String) {
    self.name = name
    self.value = value
  }
}
