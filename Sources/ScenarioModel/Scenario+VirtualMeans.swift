import SansIO

extension Scenario {
  /// What the scenario waits for that one member alone knows: no packet shows it.
  public var ownWords: [OwnWord] { steps.flatMap(\.step.ownWords) + never.compactMap(\.ownWord) }

  /// What the scenario needs of its network that only the virtual one has, as sentences; empty for one that real sockets can run.
  public var virtualMeans: [String] {
    let translated = boxes.map { box in
      if case .nat = box { return "the NAT '\(box.name)' exists in virtual time only" }
      return "the firewall '\(box.name)' exists in virtual time only"
    }
    let impaired = network.compactMap { link -> String? in
      let words = link.impairments.joined(separator: ", ")
      return words.isEmpty ? nil : "the link between \(link.first) and \(link.second) (\(words)) exists in virtual time only"
    }
    let broken = steps.compactMap { placed in
      placed.step is FaultStep ? "the fault '\(placed.step.text)' needs the network of virtual time" : nil
    }
    let moved = steps.compactMap { ($0.step as? MoveStep).map { "'\($0.text)' needs the network of virtual time" } }
    let named = names.isEmpty ? [] : ["the names in 'given' exist in virtual time only"]
    return translated + impaired + broken + moved + named
  }
}

extension Scenario.LinkGiven {
  /// What it does to packets, in the words of a scenario.
  fileprivate var impairments: [String] {
    var words: [String] = []
    if delay > .zero { words.append("delay \(delay)") }
    if jitter > .zero { words.append("jitter \(jitter)") }
    if loss.numerator > 0 { words.append("loss") }
    if duplicate.numerator > 0 { words.append("duplicates") }
    if reorder.numerator > 0 { words.append("reordering") }
    return words
  }
}
