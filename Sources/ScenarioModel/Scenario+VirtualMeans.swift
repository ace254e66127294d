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
      let words = link.impairment.words()
      return words.isEmpty ? nil : "\(link.ends.text) (\(words)) exists in virtual time only"
    }
    let broken = steps.compactMap { placed in
      switch placed.step {
      case is FaultStep: "the fault '\(placed.step.text)' needs the network of virtual time"
      case is ImpairStep, is HealStep: "'\(placed.step.text)': that link exists in virtual time only"
      case is PauseStep, is UnpauseStep, is CrashStep, is RestartStep, is ClockStep:
        "'\(placed.step.text)' needs the hosts of virtual time"
      default: nil
      }
    }
    let moved = steps.compactMap { ($0.step as? MoveStep).map { "'\($0.text)' needs the network of virtual time" } }
    let named = names.isEmpty ? [] : ["the names in 'given' exist in virtual time only"]
    return translated + impaired + broken + moved + named
  }
}
