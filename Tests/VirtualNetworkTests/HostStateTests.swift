import Impairments
import SansIO
import Testing

@testable import VirtualNetwork

@Suite struct HostStateTests {
  private let link = Impairment(delay: .milliseconds(10))

  @Test func `what comes to a host that stands still waits, and is told in its order when it goes on`() {
    let pair = Pair(link: link)
    pair.simulation.run(until: milliseconds(1))
    pair.simulation.pause(HostID(1), for: .milliseconds(500))
    for index in 0..<3 { pair.send("\(index)") }
    pair.second.deadline = milliseconds(100)
    pair.simulation.run(until: milliseconds(400))
    #expect(pair.second.log.count == 1)
    pair.simulation.run(until: milliseconds(600))
    #expect(
      pair.second.log.dropFirst() == [
        "0.501 datagram 0 from 192.0.2.1:5060", "0.501 datagram 1 from 192.0.2.1:5060", "0.501 datagram 2 from 192.0.2.1:5060",
        "0.501 wake",
      ])
  }

  @Test func `a second pause is not ended by the end of the first`() {
    let pair = Pair(link: link)
    pair.simulation.run(until: milliseconds(1))
    pair.simulation.pause(HostID(1), for: .milliseconds(100))
    pair.simulation.run(until: milliseconds(50))
    pair.simulation.pause(HostID(1))
    pair.send("x")
    pair.simulation.run(until: milliseconds(300))
    #expect(pair.second.log.count == 1)
    pair.simulation.goOn(HostID(1))
    #expect(pair.second.log.last == "0.300 datagram x from 192.0.2.1:5060")
  }

  @Test func `the ports of a host that has crashed are nobody's: ICMP says so (RFC 1122 §4.1.3.1)`() {
    let pair = Pair(link: link)
    pair.simulation.run(until: milliseconds(1))
    pair.simulation.crash(HostID(1))
    pair.send("x")
    pair.simulation.run(until: milliseconds(100))
    #expect(pair.second.log.count == 1)
    #expect(pair.first.log.last == "0.021 unreachable 192.0.2.2:5060")
  }

  @Test func `a program that is started again binds its ports anew and hears nothing of before`() {
    let pair = Pair(link: link)
    pair.simulation.run(until: milliseconds(1))
    pair.send("before")
    pair.simulation.crash(HostID(1))
    let again = ProbeHost()
    again.onStart = pair.second.onStart
    pair.simulation.run(until: milliseconds(50))
    pair.simulation.restart(HostID(1), as: again)
    pair.send("after")
    pair.simulation.run(until: milliseconds(100))
    #expect(again.log == ["0.050 bound 192.0.2.2:5060", "0.060 datagram after from 192.0.2.1:5060"])
  }

  @Test func `a fast clock runs timers early by as much, and shows its own time`() {
    let pair = Pair(link: link)
    pair.simulation.run(until: milliseconds(1_000))
    pair.simulation.setDrift(100_000, of: HostID(1))
    pair.second.deadline = milliseconds(2_100)
    pair.simulation.command(HostID(1)) { _, _ in }
    // A tenth fast: 1.1 s of its own are 1 s.
    pair.simulation.run(until: milliseconds(1_999))
    #expect(pair.second.log.count == 1)
    pair.simulation.run(until: milliseconds(2_000))
    #expect(pair.second.log.last == "2.100 wake")
  }

  @Test(arguments: [-3, 7, -100_000, 99_999])
  func `a deadline is never met before the host's clock shows it, nor a nanosecond late`(drift: Int) {
    var states = HostStates()
    states.setDrift(drift, of: 0, at: milliseconds(123))
    for time in [123_000_001, 123_456_789, 999_999_999_999, 86_400_000_000_007] as [Int64] {
      let moment = states.moment(time, of: 0)
      #expect(states.time(of: 0, at: Instant(nanoseconds: moment)).nanoseconds >= time)
      #expect(states.time(of: 0, at: Instant(nanoseconds: moment - 1)).nanoseconds < time)
    }
  }
}
