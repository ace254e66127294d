import SansIO

/// `reboot: home`, `reboot: { box: home, outside: 203.0.113.9 }`
struct RebootStep: FieldStep {
  static let keyword = "reboot"
  static let summary =
    "A NAT or firewall loses its bindings or pinholes, as after a power cut; a NAT may have another outside address then."
  static let examples = ["reboot: home", "reboot: { box: home, outside: 203.0.113.9 }"]

  private static let box = Key.required("box", .box, "Which NAT or firewall.")
  private static let outside = Key.optional("outside", .address, "The outside address that the NAT has from now on.")
  static let mapping = MappingShape([box, outside], bare: "box")

  let box: String
  let outside: IPAddress?

  init(_ fields: FieldSet, _ scope: inout StepScope) throws(SourceProblem) {
    box = try fields[Self.box]
    outside = try fields[Self.outside]
    guard let outside, let place = fields.place(of: Self.outside) else { return }
    guard scope.scenario.nats.contains(where: { [box] in $0.name == box }) else {
      throw place.problem("\(box) is a firewall, which has no outside address")
    }
    try scope.scenario.checkFree(outside, at: place)
    if outside.isIPv6 { throw place.problem("'\(outside)' is not an IPv4 address") }
  }

  var text: String { "reboot \(box)\(outside.map { ", its outside address is \($0) from now on" } ?? "")" }

  func begin(_ script: inout Script, at now: Instant) -> StepProgress {
    script.commands.append(.reboot(box, outside: outside))
    return .done
  }
}

extension Scenario {
  /// An address that nobody has yet.
  func checkFree(_ address: IPAddress, at place: NodeReader) throws(SourceProblem) {
    if let owner = cast.first(where: { $0.address == address }) { throw place.problem("\(address) is the address of \(owner.name)") }
    if let other = nats.first(where: { $0.outside == address }) {
      throw place.problem("\(address) is the outside address of \(other.name)")
    }
  }
}
