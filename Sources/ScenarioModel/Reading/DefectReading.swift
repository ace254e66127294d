import Defects
import KallglotPolicy

extension CastKeys {
  static let defect = Key.optional(
    "defect", .oneOrMore(ValueType<Defect>.defect),
    "What it does wrong on purpose: one of the defects below, or several."
  ).with(.key("persona"), .key("endpoint"))
}

extension ValueType where Value == Defect {
  static var defect: ValueType { .words(DefectCatalogue.all.map { ($0.name, $0) }) }
}

extension FieldSet {
  /// The defects of a member, each of which fits its role.
  func defects(of role: Scenario.Member.Role) throws(SourceProblem) -> [Defect] {
    guard let defects = try self[CastKeys.defect], let place = place(of: CastKeys.defect) else { return [] }
    for (defect, element) in zip(defects, try place.elementsOrOne()) where !defect.isFor(role) {
      let roles = defect.roles.map { $0 == .endpoint ? "the endpoint" : "a persona" }.joined(separator: " or ")
      throw element.problem("the defect '\(defect.name)' is one of \(roles)")
    }
    return defects
  }
}

extension Defect {
  func isFor(_ role: Scenario.Member.Role) -> Bool {
    switch role {
    case .endpoint: roles.contains(.endpoint)
    case .persona: roles.contains(.persona)
    case .wire, .proxy: false
    }
  }
}

extension Scenario {
  /// The members at which a defect can be planted.
  public func members(for defect: Defect) -> [Member] {
    cast.filter { member in
      guard defect.isFor(member.role) else { return false }
      if case .nat = defect.change { return nat(of: member.name) != nil }
      return true
    }
  }

  /// The same scenario with a faulty member, whatever it had before.
  public func planting(_ defects: [Defect], at member: String) -> Scenario {
    var scenario = self
    for index in scenario.cast.indices where scenario.cast[index].name == member { scenario.cast[index].defects = defects }
    return scenario
  }

  /// The policy that the endpoint really has.
  public var policyOfEndpoint: Policy {
    var policy = policy
    for defect in endpoint?.defects ?? [] { if case .policy(let change) = defect.change { change(&policy) } }
    return policy
  }

  /// The NATs and firewalls as they really are.
  public var boxesAsTheyAre: [BoxGiven] {
    boxes.map { box in
      guard case .nat(let given) = box else { return box }
      return .nat(asItIs(given))
    }
  }

  /// The NATs as they really are.
  public var natsAsTheyAre: [NATGiven] { nats.map(asItIs) }

  private func asItIs(_ given: NATGiven) -> NATGiven {
    given.inside.compactMap(member).flatMap(\.defects).reduce(into: given) { nat, defect in
      if case .nat(let change) = defect.change { nat.apply(change) }
    }
  }
}

extension NATGiven {
  fileprivate mutating func apply(_ change: (inout NATTraits) -> Void) {
    var traits = NATTraits(lifetime: lifetime)
    change(&traits)
    lifetime = traits.lifetime
    if traits.letsAnybodyIn { filtering = .endpointIndependent }
    if traits.mapsByDestination { mapping = .addressAndPort }
    confusesInside = traits.confusesInside
  }
}
