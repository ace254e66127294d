import Impairments
import SansIO
import Testing

@testable import VirtualNetwork

/// A host whose deadline stays where it is, whatever happens.
private final class Stuck: NetworkHost, TimerNaming {
  let nextDeadline: Instant?
  init(at deadline: Instant) { nextDeadline = deadline }
  var nextTimer: String? { "a media stream" }
  func start(at now: Instant, _ out: inout Outbox) {}
  func receive(_ arrival: Arrival, at now: Instant, _ out: inout Outbox) {}
  func wake(at now: Instant, _ out: inout Outbox) {}
}

@Suite struct WatchdogTests {
  @Test func `a host whose deadline stays in the past ends the run, and is named with its timer`() {
    let simulation = Simulation(seed: 1)
    simulation.add(Stuck(at: milliseconds(5)), name: "pbx", addresses: [alice])
    simulation.watch(limit: 10_000)
    simulation.runUntilIdle(limit: milliseconds(60_000))
    #expect(simulation.now == milliseconds(5))
    #expect(
      simulation.stall
        == Stall(
          at: milliseconds(5),
          text: "pbx is woken again and again: its next deadline, of a media stream, is due again at the same instant"))
    #expect(!simulation.step(until: .distantFuture))
  }

  @Test func `two hosts that answer each other at one instant end the run, and both are named`() {
    let pair = Pair(link: Impairment(delay: .zero))
    for host in [pair.first, pair.second] {
      host.onArrival = { arrival, _, out in
        if case .datagram(let port, from: let source, let bytes) = arrival { out.datagram(port, to: source, bytes, Label(.raw)) }
      }
    }
    pair.simulation.watch(limit: 10_000)
    pair.simulation.run(until: milliseconds(3))
    pair.send("ping")
    pair.simulation.runUntilIdle(limit: milliseconds(60_000))
    #expect(pair.simulation.now < milliseconds(4))
    #expect(pair.simulation.stall?.text == "alice and bob keep sending to each other")
  }

  @Test func `a clock that creeps by nanoseconds makes no progress either`() {
    let simulation = Simulation(seed: 1)
    let host = ProbeHost()
    host.deadline = .zero
    host.onWake = { [unowned host] now, _ in host.deadline = now.advanced(by: .nanoseconds(1)) }
    simulation.add(host, name: "pbx", addresses: [alice])
    simulation.watch(limit: 10_000)
    simulation.runUntilIdle(limit: milliseconds(60_000))
    #expect(simulation.stall?.text.hasPrefix("pbx is woken again and again") == true)
  }

  @Test func `a host that has much to do, but whose clock moves, is left alone`() {
    let simulation = Simulation(seed: 1)
    let host = ProbeHost()
    host.deadline = .zero
    host.onWake = { [unowned host] now, _ in host.deadline = now < milliseconds(3_000) ? now.advanced(by: .microseconds(100)) : nil }
    simulation.add(host, name: "pbx", addresses: [alice])
    simulation.watch(limit: 100)
    simulation.runUntilIdle(limit: milliseconds(60_000))
    #expect(simulation.stall == nil)
    #expect(simulation.now == milliseconds(3_000))
  }

  @Test func `nobody watches unless asked to`() {
    let simulation = Simulation(seed: 1)
    simulation.add(Stuck(at: .zero), name: "pbx", addresses: [alice])
    for _ in 0..<50_000 { #expect(simulation.step()) }
    #expect(simulation.stall == nil)
  }
}
