import SIPMessage
import SIPTransport
import SansIO

/// How a value is written and read: its shape for documentation and schema, and the reading that holds it.
public struct ValueType<Value>: Sendable {
  let shape: Shape
  let read: @Sendable (NodeReader, StepScope) throws(SourceProblem) -> Value

  package init(_ shape: Shape, _ read: @escaping @Sendable (NodeReader, StepScope) throws(SourceProblem) -> Value) {
    self.shape = shape
    self.read = read
  }
}

extension ValueType where Value == String {
  package static var text: ValueType { ValueType(.text) { (place, _) throws(SourceProblem) in try place.text() } }
  static var member: ValueType { ValueType(.name(.member)) { (place, scope) throws(SourceProblem) in try scope.member(place) } }
  /// A member that has calls: the endpoint or a persona.
  static var party: ValueType { ValueType(.name(.member)) { (place, scope) throws(SourceProblem) in try scope.party(place) } }
  static var wireMember: ValueType { ValueType(.name(.wireMember)) { (place, scope) throws(SourceProblem) in try scope.wireMember(place) } }
  static var account: ValueType { ValueType(.name(.account)) { (place, scope) throws(SourceProblem) in try scope.account(place) } }
  /// The id on the wire.
  static var session: ValueType { ValueType(.name(.session)) { (place, scope) throws(SourceProblem) in try scope.session(place) } }
  static var leg: ValueType { ValueType(.name(.leg)) { (place, scope) throws(SourceProblem) in try scope.leg(place) } }
  static var memberOrLeg: ValueType {
    ValueType(.name(.memberOrLeg)) { (place, scope) throws(SourceProblem) in try scope.memberOrLeg(place) }
  }
}

extension ValueType where Value == NumberedMember {
  static var numberedMember: ValueType { ValueType(.name(.member)) { (place, scope) throws(SourceProblem) in try scope.numbered(place) } }
}

extension ValueType where Value == Bool {
  package static var flag: ValueType { ValueType(.flag) { (place, _) throws(SourceProblem) in try place.flag() } }
}

extension ValueType where Value == Int {
  static func integer(_ range: ClosedRange<Int>) -> ValueType {
    ValueType(.integer(range)) { (place, _) throws(SourceProblem) in try place.integer(range) }
  }

  /// In hertz.
  package static var frequency: ValueType {
    ValueType(.quantity(.frequency)) { (place, _) throws(SourceProblem) in
      try place.value("a frequency from 100 to 3500 Hz such as '440 Hz'", ScalarText.frequency)
    }
  }
}

extension ValueType where Value == Duration {
  package static var duration: ValueType { ValueType(.quantity(.duration)) { (place, _) throws(SourceProblem) in try place.duration() } }
}

extension ValueType where Value == Ratio {
  static var share: ValueType { ValueType(.quantity(.share)) { (place, _) throws(SourceProblem) in try place.ratio() } }
}

extension ValueType where Value == IPAddress {
  /// A member that stands there has to do with the run.
  package static var address: ValueType {
    ValueType(.quantity(.address)) { (place, scope) throws(SourceProblem) in
      let address = try place.address()
      scope.notes.use(address)
      return address
    }
  }
}

extension ValueType where Value == Bytes {
  static var hexadecimal: ValueType {
    ValueType(.quantity(.hexadecimal)) { (place, _) throws(SourceProblem) in
      try place.value("pairs of hexadecimal digits", ScalarText.hexadecimal)
    }
  }
}

extension ValueType where Value == SIPTransportProtocol {
  /// A transport the Lab speaks.
  package static var transport: ValueType { .words([("udp", .udp), ("tcp", .tcp), ("tls", .tls)]) }
}

extension ValueType where Value == NodeReader {
  /// The place itself, to be read by whoever asked for it.
  static func place(_ shape: Shape) -> ValueType { ValueType(shape) { (place, _) throws(SourceProblem) in place } }
}

extension ValueType where Value: Sendable {
  /// One of some words.
  package static func words(_ words: [(String, Value)]) -> ValueType {
    ValueType(.words(words.map(\.0))) { (place, _) throws(SourceProblem) in try place.word(words) }
  }
}

extension ValueType where Value: CaseIterable & RawRepresentable & Sendable, Value.RawValue == String {
  /// A case by its raw value.
  static var word: ValueType { .words(Value.allCases.map { ($0.rawValue, $0) }) }
}

extension ValueType {
  static func list<Element>(_ type: ValueType<Element>) -> ValueType where Value == [Element] {
    ValueType(.list(type.shape)) { (place, scope) throws(SourceProblem) in
      var values: [Element] = []
      for element in try place.elements() { values.append(try type.read(element, scope)) }
      return values
    }
  }

  /// A list, or one element that stands for a list of one.
  package static func oneOrMore<Element>(_ type: ValueType<Element>) -> ValueType where Value == [Element] {
    ValueType(.oneOrMore(type.shape)) { (place, scope) throws(SourceProblem) in
      var values: [Element] = []
      for element in try place.elementsOrOne() { values.append(try type.read(element, scope)) }
      return values
    }
  }

  /// Names of the file's own choice with such values, in the order of the file.
  static func named<Element>(_ type: ValueType<Element>) -> ValueType where Value == [(name: String, value: Element)] {
    ValueType(.named(type.shape)) { (place, scope) throws(SourceProblem) in
      var values: [(name: String, value: Element)] = []
      for (name, _, value) in try place.pairs() { values.append((name, try type.read(value, scope))) }
      return values
    }
  }
}
