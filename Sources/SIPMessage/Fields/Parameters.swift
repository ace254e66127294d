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
  /// - Parameter allowsSpace: whether white space may stand around `;` and `=`, as in header fields; in a URI it ends the URI.
  /// - Returns: nil when a quoted value does not end or a name is empty.
  static func read(_ span: Span<UInt8>, _ position: inout Int, _ end: Int, allowsSpace: Bool = true) -> Parameters? {
    var list: [Parameter] = []
    while true {
      var next = position
      if allowsSpace { Grammar.skipWhite(span, &next, end) }
      guard next < end, span[next] == .semicolon else { return Parameters(list) }
      next += 1
      if allowsSpace { Grammar.skipWhite(span, &next, end) }
      // Two semicolons in a row, or one at the end: seen in the field, harmless.
      if next >= end || span[next] == .semicolon || span[next] == .comma || span[next] == .greater {
        position = next
        continue
      }
      guard let parameter = readOne(span, &next, end, allowsSpace) else { return nil }
      if list.isEmpty { list.reserveCapacity(4) }
      list.append(parameter)
      position = next
    }
  }

  private static func readOne(_ span: Span<UInt8>, _ position: inout Int, _ end: Int, _ allowsSpace: Bool) -> Parameter? {
    let start = position
    while position < end, isNameByte(span[position]) { position += 1 }
    guard position > start else { return nil }
    let name = Grammar.text(span, start..<position)
    var next = position
    if allowsSpace { Grammar.skipWhite(span, &next, end) }
    guard next < end, span[next] == .equals else { return Parameter(name, nil) }
    next += 1
    if allowsSpace { Grammar.skipWhite(span, &next, end) }
    let value = next
    if next < end, span[next] == .quote {
      guard let behind = Grammar.quotedEnd(span, next, end) else { return nil }
      next = behind
    } else {
      while next < end, isValueByte(span[next]) { next += 1 }
    }
    position = next
    return Parameter(name, Grammar.text(span, value..<next))
  }

  private static func isNameByte(_ byte: UInt8) -> Bool { isValueByte(byte) && byte != .equals }

  /// Hosts and URIs stand in values too, so everything but separators of the field counts.
  static func isValueByte(_ byte: UInt8) -> Bool {
    switch byte {
    case .semicolon, .comma, .greater, .less, .quote, .question, 0...32, 127: false
    default: true
    }
  }
}

extension Parameters: Hashable, CustomStringConvertible {
  public var description: String {
    var text = ""
    for parameter in list {
      text += ";" + parameter.name
      if let value = parameter.value { text += "=" + value }
    }
    return text
  }
}
