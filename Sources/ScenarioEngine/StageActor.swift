import SansIO
import ScenarioModel

/// Who plays a member: a host on a simulated or a real network, or a product that somebody else made.
public protocol StageActor: AnyObject {
  /// The member's name.
  var name: String { get }
  /// Whether it is what the portal and the API administer.
  var isEndpoint: Bool { get }
  /// Does what a step asks of the member.
  ///
  /// - Throws: a command that the member cannot carry out; nothing has been done then.
  func carryOut(_ command: StageCommand) throws(StageFailure)
  /// What the actor's own host said; nothing where there is none.
  func take(_ event: any HostEvent)
}

/// What a stage provides besides actors and taps: a clock, a journal, and, where it has such means, faults.
public protocol StageMeans: AnyObject {
  var now: Instant { get }
  /// How far from its time something may be seen because of the stage alone: nothing in virtual time.
  var tolerance: Duration { get }
  func record(_ body: JournalRecord.Body)
  func add(_ fault: FaultPlan) throws(StageFailure)
  /// A NAT or firewall forgets its bindings; a NAT may have another outside address then.
  func reboot(_ box: String, outside: IPAddress?) throws(StageFailure)
  /// A member has another address.
  func move(_ member: String, to address: IPAddress) throws(StageFailure)
  func impair(_ change: LinkChange) throws(StageFailure)
  func act(_ act: HostAct, on member: String) throws(StageFailure)
}

extension StageMeans {
  public var tolerance: Duration { .zero }
  public func reboot(_ box: String, outside: IPAddress?) throws(StageFailure) {
    throw .couldNotRun("the NAT or firewall '\(box)' exists in virtual time only")
  }

  public func move(_ member: String, to address: IPAddress) throws(StageFailure) {
    throw .couldNotRun("\(member) can move to another address in virtual time only")
  }

  public func impair(_ change: LinkChange) throws(StageFailure) { throw .notApplicable("\(change.ends.text) exists in virtual time only") }

  public func act(_ act: HostAct, on member: String) throws(StageFailure) {
    throw .notApplicable("what happens to the host of \(member) needs virtual time")
  }
}
