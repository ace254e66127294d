import SansIO

/// What a figure is compared with: `< 1 %`, `>= 4.0`.
struct Bound: Sendable, Hashable {
  enum Relation: String, Sendable, Hashable, CaseIterable {
    case less = "<"
    case atMost = "<="
    case more = ">"
    case atLeast = ">="
  }

  var relation: Relation
  /// In the unit of its kind: percent, milliseconds, or none.
  var value: Double
  /// As it was written.
  var text: String

  /// - Parameter value: what stands behind the comparison.
  init?(_ text: String, _ value: (String) -> Double?) {
    let trimmed = text.drop { $0 == " " }
    // The longer ones first: `<=` begins with `<`.
    let relation = Relation.allCases.filter { trimmed.hasPrefix($0.rawValue) }.max { $0.rawValue.count < $1.rawValue.count }
    guard let relation, let value = value(String(trimmed.dropFirst(relation.rawValue.count))) else { return nil }
    (self.relation, self.value, self.text) = (relation, value, String(trimmed))
  }

  func admits(_ figure: Double) -> Bool {
    switch relation {
    case .less: figure < value
    case .atMost: figure <= value
    case .more: figure > value
    case .atLeast: figure >= value
    }
  }
}

extension ValueType where Value == Bound {
  /// In percent.
  static var shareBound: ValueType {
    ValueType(.quantity(.shareBound)) { (place, _) throws(SourceProblem) in
      try place.value("a comparison with a share such as '< 1 %' or '>= 20 %'") { text in
        Bound(text) { ScalarText.ratio($0).map { Double($0.numerator) * 100 / Double($0.denominator) } }
      }
    }
  }

  /// In milliseconds.
  static var durationBound: ValueType {
    ValueType(.quantity(.durationBound)) { (place, _) throws(SourceProblem) in
      try place.value("a comparison with a duration such as '< 20 ms'") { text in
        Bound(text) { ScalarText.duration($0).map { Double($0.wholeNanoseconds) / 1e6 } }
      }
    }
  }

  static var numberBound: ValueType {
    ValueType(.quantity(.numberBound)) { (place, _) throws(SourceProblem) in
      try place.value("a comparison with a number such as '> 4.0'") { text in
        Bound(text) { written in
          let digits = written.filter { $0 != " " }
          return digits.allSatisfy { $0.isNumber || $0 == "." } ? Double(digits) : nil
        }
      }
    }
  }
}
