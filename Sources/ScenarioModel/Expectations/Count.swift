import SansIO

/// How often something has to be: `3` (or more), `exactly 3`, `at most 3`, `none`.
enum Count: Sendable, Hashable {
  case atLeast(Int)
  case exactly(Int)
  case atMost(Int)

  init?(_ text: String) {
    let words = text.split(separator: " ").map(String.init)
    guard let last = words.last else { return nil }
    let number = last == "none" || last == "once" ? (last == "none" ? 0 : 1) : Int(last)
    guard let number, (0...100_000).contains(number) else { return nil }
    switch words.dropLast().joined(separator: " ") {
    // Nothing is at least none: whoever writes 0 means that there is none.
    case "": self = number == 0 || last == "once" ? .exactly(number) : .atLeast(number)
    case "exactly" where Int(last) != nil: self = .exactly(number)
    case "at most" where Int(last) != nil: self = .atMost(number)
    case "at least" where Int(last) != nil && number > 0: self = .atLeast(number)
    default: return nil
    }
  }

  var text: String {
    switch self {
    case .atLeast(1): ""
    case .atLeast(let number): "at least \(CountText.of(number, "time"))"
    case .exactly(0): "not once"
    case .exactly(1): "exactly once"
    case .exactly(let number): "exactly \(CountText.of(number, "time"))"
    case .atMost(let number): "at most \(CountText.of(number, "time"))"
    }
  }

  /// Whether it may be so often.
  func admits(_ seen: Int) -> Bool {
    switch self {
    case .atLeast(let number): seen >= number
    case .exactly(let number): seen == number
    case .atMost(let number): seen <= number
    }
  }

  /// - Parameters:
  ///   - seen: how often it has been.
  ///   - observed: what to say when that is not right.
  func judge(_ seen: Int, _ observed: @escaping @autoclosure () -> String, _ evidence: FrameCitation?) -> Judgement {
    switch self {
    case .atLeast(let number): seen >= number ? .met : .open(observed(), evidence)
    case .exactly(let number): seen > number ? .impossible(observed(), evidence) : seen == number ? .holds : .open(observed(), evidence)
    case .atMost(let number): seen > number ? .impossible(observed(), evidence) : .holds
    }
  }
}

extension ValueType where Value == Count {
  static var count: ValueType {
    ValueType(.quantity(.count)) { (place, _) throws(SourceProblem) in
      try place.value("a count such as 2 (or more), 'exactly 2', 'at most 2', 'once' or 'none'") { Count($0) }
    }
  }
}
