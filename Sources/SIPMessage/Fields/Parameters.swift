import SansIO

/// `;name=value` parameters in the order they were written (RFC 3261 §7.3.1); names compare without regard to case.
public struct Parameters: Sendable {
  public struct Parameter: Hashable, Sendable {
    public var name: String
    /// As written, with quotes; nil for a flag such as `lr`.
    public var value: String?
    public init(_ name: String, _ value: String?) {
      self.name = name
      self.value = value
    }
  }

  public private(set) var list: [Parameter]

  public init(_ list: [Parameter] = []) { self.list = list }

  public var isEmpty: Bool { list.isEmpty }

  /// The value without quotes; nil when the parameter is missing or a flag. Setting nil removes the parameter.
  public subscript(name: String) -> String? {
    get { index(name).flatMap { list[$0].value }.map(Grammar.unquoted) }
    set {
      guard let newValue else {
        remove(name)
        return
      }
      if let index = index(name) { list[index].value = newValue } else { list.append(Parameter(name, newValue)) }
    }
  }

  public func contains(_ name: String) -> Bool { index(name) != nil }

  /// Adds a parameter without value if it is not there.
  public mutating func addFlag(_ name: String) { if !contains(name) { list.append(Parameter(name, nil)) } }

  public mutating func remove(_ name: String) { if let index = index(name) { list.remove(at: index) } }

  private func index(_ name: String) -> Int? { list.firstIndex { Self.isSame($0.name, name) } }

  static func isSame(_ left: String, _ right: String) -> Bool {
    if left == right { return true }
    guard left.utf8.count == right.utf8.count else { return false }
    return zip(left.utf8, right.utf8).allSatisfy { lowercase($0) == lowercase($1) }
  }

  /// Reads `;a=b;c` from `position` on; stops at the first byte that belongs to no parameter.
  ///
  /// - Returns: nil when a quoted value does not end or a name is empty.
  static func read(_ span: Span<UInt8>, _ position: inout Int, _ end: Int) -> Parameters? {
    var cursor = ParameterCursor(position, end)
    var parameters = Parameters()
    while let slot = cursor.next(span) { parameters.append(slot, span) }
    position = cursor.position
    return cursor.isBroken ? nil : parameters
  }

  mutating func append(_ slot: ParameterSlot, _ span: Span<UInt8>) {
    if list.isEmpty { list.reserveCapacity(4) }
    list.append(Parameter(Grammar.text(span, slot.name), slot.value.map { Grammar.text(span, $0) }))
  }
}

extension Parameters: Hashable, CustomStringConvertible {
  public var description: String {
    var text = ""
    append(to: &text)
    return text
  }

  func append(to text: inout String) {
    for parameter in list {
      text += ";"
      text += parameter.name
      guard let value = parameter.value else { continue }
      text += "="
      text += value
    }
  }
}
