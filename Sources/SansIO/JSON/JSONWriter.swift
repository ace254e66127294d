/// Writes JSON (RFC 8259) into memory of its own that is used again: the one writer of journal, reports, schemas and state files.
///
/// Control characters leave as escapes, also those of C1, so that a peer's text cannot move a terminal's cursor.
public struct JSONWriter: ~Copyable {
  /// How the elements of an object or array are set apart.
  public enum Layout: Hashable, Sendable {
    /// `{"a":1,"b":2}`.
    case compact
    /// `{"a": 1, "b": 2}`.
    case spaced
    /// Each in a line, indented by two spaces a level.
    case lines
  }

  private var memory: UnsafeMutablePointer<UInt8>
  private var capacity: Int
  /// How many bytes were written.
  public private(set) var count = 0
  private var layout = Layout.compact
  private var level = 0
  private var isFirst = true
  private var isAfterName = false

  public init(capacity: Int = 1_024) {
    self.capacity = max(capacity, 64)
    memory = .allocate(capacity: self.capacity)
  }

  deinit { memory.deallocate() }

  /// What was written.
  public var text: String { withBytes { String(decoding: $0, as: UTF8.self) } }

  public func withBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
    body(UnsafeRawBufferPointer(start: memory, count: count))
  }

  /// Forgets what was written, and keeps the memory.
  public mutating func clear() { count = 0 }
}

// MARK: - Structure

extension JSONWriter {
  public mutating func object(_ layout: Layout, _ members: (inout JSONWriter) -> Void) {
    list(UInt8(ascii: "{"), UInt8(ascii: "}"), layout, members)
  }

  public mutating func array(_ layout: Layout, _ elements: (inout JSONWriter) -> Void) {
    list(UInt8(ascii: "["), UInt8(ascii: "]"), layout, elements)
  }

  /// A member's name; its value comes next.
  ///
  /// - Parameter name: ASCII without anything that JSON escapes.
  public mutating func name(_ name: StaticString) {
    separate()
    let size = name.utf8CodeUnitCount
    reserve(size + 4)
    memory[count] = UInt8(ascii: "\"")
    (memory + count + 1).update(from: name.utf8Start, count: size)
    count += size + 1
    endName()
  }

  /// - Parameter name: any text.
  public mutating func name(quoting name: String) {
    separate()
    quote(name)
    reserve(3)
    count -= 1
    endName()
  }

  /// A line feed between two documents.
  public mutating func endLine() { byte(0x0A) }

  private mutating func endName() {
    memory[count] = UInt8(ascii: "\"")
    memory[count + 1] = UInt8(ascii: ":")
    memory[count + 2] = UInt8(ascii: " ")
    count += layout == .compact ? 2 : 3
    isAfterName = true
  }

  private mutating func list(_ open: UInt8, _ close: UInt8, _ layout: Layout, _ elements: (inout JSONWriter) -> Void) {
    separate()
    byte(open)
    let outer = self.layout
    self.layout = layout
    level += 1
    isFirst = true
    elements(&self)
    level -= 1
    if layout == .lines, !isFirst { breakLine() }
    self.layout = outer
    isFirst = false
    byte(close)
  }

  /// What stands before an element; nothing before a member's value and before what is no element.
  private mutating func separate() {
    if isAfterName {
      isAfterName = false
      return
    }
    guard level > 0 else { return }
    if !isFirst { byte(UInt8(ascii: ",")) }
    switch layout {
    case .compact: break
    case .spaced: if !isFirst { byte(UInt8(ascii: " ")) }
    case .lines: breakLine()
    }
    isFirst = false
  }

  private mutating func breakLine() {
    reserve(2 * level + 1)
    memory[count] = 0x0A
    (memory + count + 1).update(repeating: UInt8(ascii: " "), count: 2 * level)
    count += 2 * level + 1
  }
}

// MARK: - Values

extension JSONWriter {
  public mutating func value(_ text: String) {
    separate()
    quote(text)
  }

  public mutating func value(_ number: Int64) {
    separate()
    integer(number)
  }

  @inlinable
  public mutating func value(_ number: some BinaryInteger) { value(Int64(clamping: number)) }

  /// A number with a fraction, or null where it is not finite, for which JSON has no form.
  public mutating func value(_ number: Double) {
    guard number.isFinite else { return null() }
    separate()
    var text = number == number.rounded() && abs(number) < 1e15 ? "\(Int(number)).0" : "\(number)"
    text.withUTF8 { raw(UnsafeRawBufferPointer($0)) }
  }

  public mutating func value(_ flag: Bool) {
    separate()
    raw(flag ? "true" : "false")
  }

  /// In quotes, as its description has it.
  public mutating func value(_ address: TransportAddress) {
    separate()
    guard !address.address.isIPv6 else { return quote(address.description) }
    reserve(24)
    memory[count] = UInt8(ascii: "\"")
    count += 1
    for shift: UInt64 in [24, 16, 8, 0] {
      integer(Int64(address.address.low >> shift & 255))
      byte(shift == 0 ? UInt8(ascii: ":") : UInt8(ascii: "."))
    }
    integer(Int64(address.port))
    byte(UInt8(ascii: "\""))
  }

  public mutating func null() {
    separate()
    raw("null")
  }

  public mutating func member(_ name: StaticString, _ text: String) {
    self.name(name)
    value(text)
  }

  public mutating func member(_ name: StaticString, orNull text: String?) {
    self.name(name)
    if let text { value(text) } else { null() }
  }

  /// In one line.
  public mutating func member(_ name: StaticString, _ texts: [String]) {
    self.name(name)
    array(.spaced) { json in for text in texts { json.value(text) } }
  }

  @inlinable
  public mutating func member(_ name: StaticString, _ number: some BinaryInteger) {
    self.name(name)
    value(Int64(clamping: number))
  }

  public mutating func member(_ name: StaticString, _ flag: Bool) {
    self.name(name)
    value(flag)
  }

  public mutating func member(_ name: StaticString, _ address: TransportAddress) {
    self.name(name)
    value(address)
  }
}

// MARK: - Bytes

extension JSONWriter {
  @inline(__always)
  private mutating func reserve(_ room: Int) { if capacity - count < room { grow(room) } }

  @inline(never)
  private mutating func grow(_ room: Int) {
    let larger = UnsafeMutablePointer<UInt8>.allocate(capacity: max(capacity * 2, count + room))
    larger.update(from: memory, count: count)
    memory.deallocate()
    capacity = max(capacity * 2, count + room)
    memory = larger
  }

  @inline(__always)
  private mutating func byte(_ value: UInt8) {
    reserve(1)
    memory[count] = value
    count += 1
  }

  private mutating func raw(_ text: StaticString) { raw(UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount)) }

  private mutating func raw(_ bytes: UnsafeRawBufferPointer) {
    guard let start = bytes.bindMemory(to: UInt8.self).baseAddress else { return }
    reserve(bytes.count)
    (memory + count).update(from: start, count: bytes.count)
    count += bytes.count
  }

  /// Decimal digits: written from the last to the first behind the place they belong to, then moved there.
  private mutating func integer(_ number: Int64) {
    reserve(Self.longestNumber * 2)
    if number < 0 { byte(UInt8(ascii: "-")) }
    var rest = number.magnitude
    let end = memory + count + Self.longestNumber
    var first = end
    repeat {
      let quotient = rest / 10
      first -= 1
      first.pointee = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest &- quotient &* 10)
      rest = quotient
    } while rest > 0
    (memory + count).update(from: first, count: end - first)
    count += end - first
  }

  /// A sign and 19 digits.
  private static let longestNumber = 20

  /// A string in its quotes (RFC 8259 §7).
  private mutating func quote(_ text: String) {
    var text = text
    text.withUTF8 { utf8 in
      reserve(utf8.count + 2)
      memory[count] = UInt8(ascii: "\"")
      count += 1
      // No early end: such a loop is done many bytes at a time.
      var strange: UInt8 = 0
      for byte in utf8 {
        strange |= (byte < 0x20 ? 1 : 0) | (byte == UInt8(ascii: "\"") ? 1 : 0) | (byte == UInt8(ascii: "\\") ? 1 : 0)
        strange |= (byte == 0x7F ? 1 : 0) | (byte == 0xC2 ? 1 : 0)
      }
      if strange == 0 { raw(UnsafeRawBufferPointer(utf8)) } else { escaped(utf8) }
    }
    byte(UInt8(ascii: "\""))
  }

  private mutating func escaped(_ utf8: UnsafeBufferPointer<UInt8>) {
    var index = 0
    while index < utf8.count {
      let byte = utf8[index]
      index += 1
      switch byte {
      case UInt8(ascii: "\""): raw("\\\"")
      case UInt8(ascii: "\\"): raw("\\\\")
      case 0x0A: raw("\\n")
      case 0x0D: raw("\\r")
      case 0x09: raw("\\t")
      case 0..<0x20, 0x7F: escape(byte)
      case 0xC2 where index < utf8.count && utf8[index] < 0xA0:
        // U+0080 to U+009F.
        escape(utf8[index])
        index += 1
      default: self.byte(byte)
      }
    }
  }

  private mutating func escape(_ scalar: UInt8) {
    raw("\\u00")
    for digit in [scalar >> 4, scalar & 15] { byte(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") - 10 + digit) }
  }
}
