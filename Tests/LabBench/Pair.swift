import SansIO
import VirtualNetwork

/// Two hosts back to back in virtual time, and nobody else.
public final class Pair<Left: NetworkHost, Right: NetworkHost> {
  public let left: Left
  public let right: Right
  public let simulation: Simulation
  public private(set) var leftEvents: [any HostEvent] = []
  public private(set) var rightEvents: [any HostEvent] = []
  private let leftID: HostID
  private let rightID: HostID
  private let atStart: (left: [String: Int], right: [String: Int])

  /// Adds both and starts them.
  public init(
    _ left: Left, named leftName: String, at leftAddress: IPAddress, _ right: Right, named rightName: String,
    at rightAddress: IPAddress, seed: UInt64 = 1
  ) {
    (self.left, self.right) = (left, right)
    simulation = Simulation(seed: seed)
    leftID = simulation.add(left, name: leftName, addresses: [leftAddress])
    rightID = simulation.add(right, name: rightName, addresses: [rightAddress])
    let early = Early()
    simulation.onEvent = { host, event in early.events.append((host, event)) }
    simulation.run(until: .zero)
    atStart = (Holdings(of: left).counts, Holdings(of: right).counts)
    for (host, event) in early.events { took(host, event) }
    simulation.onEvent = { [unowned self] host, event in took(host, event) }
  }

  /// What was said before everything was there to listen.
  private final class Early {
    var events: [(HostID, any HostEvent)] = []
  }

  private func took(_ host: HostID, _ event: any HostEvent) {
    if host == leftID { leftEvents.append(event) } else { rightEvents.append(event) }
  }

  public func tellLeft(_ body: (Instant, inout Outbox) -> Void) { simulation.command(leftID, body) }
  public func tellRight(_ body: (Instant, inout Outbox) -> Void) { simulation.command(rightID, body) }

  public func run(_ duration: Duration) { simulation.run(until: simulation.now.advanced(by: duration)) }

  /// Lets all timers run out, ten minutes of them at most.
  public func settle() { simulation.runUntilIdle(limit: simulation.now.advanced(by: .seconds(600))) }

  /// What the left host holds beyond what it held after the start; empty when all is given back.
  ///
  /// - Parameter without: ends of the paths of tables that may still have something.
  public func leftoversOfLeft(without: Set<String> = []) -> [String] {
    Holdings(of: left).grown(since: atStart.left, without: without) + (left.nextDeadline == nil ? [] : ["a deadline"])
  }
}
