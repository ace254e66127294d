import SansIO

/// `move: { member: pbx, to: 192.0.2.77 }`
struct MoveStep: FieldStep {
  static let keyword = "move"
  static let summary = """
    A member has another address, as after DHCP or on another network, and is not told: its UDP ports go on under the new one, what is \
    sent to the old one is lost, and its connections are dead without a word.
    """
  static let examples = ["move: { member: pbx, to: 192.0.2.77 }"]

  private static let who = Key.required("member", .member, "Which one.")
  private static let to = Key.required("to", .address, "Its address from now on.")
  static let mapping = MappingShape([who, to])

  let member: String
  let address: IPAddress

  init(_ fields: FieldSet, _ scope: inout StepScope) throws(SourceProblem) {
    member = try fields[Self.who]
    address = try fields[Self.to]
    let place = fields.place(of: Self.to) ?? fields.place
    if member == scope.scenario.endpoint?.name {
      throw (fields.place(of: Self.who) ?? place).problem("\(member) is the endpoint: its address is public and stays (contract 1.1)")
    }
    try scope.scenario.checkFree(address, at: place)
    guard scope.scenario.member(member)?.address.isIPv6 == address.isIPv6 else {
      throw place.problem("\(address) is of another family than the address of \(member)")
    }
  }

  var text: String { "\(member) moves to \(address)" }

  func begin(_ script: inout Script, at now: Instant) -> StepProgress {
    script.commands.append(.move(member, to: address))
    script.moved.append((member, now))
    return .done
  }
}
