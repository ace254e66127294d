import Impairments
import SansIO
import Testing

@testable import VirtualNetwork

@Suite struct StreamTests {
  /// Alice opens a connection to Bob's listener.
  private func connected(_ link: Impairment = Impairment(delay: .milliseconds(10)), seed: UInt64 = 1, faults: [Fault] = []) -> Pair {
    let pair = Pair(seed: seed, link: link)
    for fault in faults { pair.simulation.add(fault) }
    pair.simulation.command(HostID(1)) { _, out in out.bind(PortID(2), TransportAddress(bob, port: 5060), .listener) }
    pair.simulation.command(HostID(0)) { _, out in out.open(ConnectionID(2), to: TransportAddress(bob, port: 5060)) }
    return pair
  }

  private func write(_ pair: Pair, _ text: String, _ label: Label = .none) {
    pair.simulation.command(HostID(0)) { _, out in out.bytes(ConnectionID(2), Bytes(text), label) }
  }

  private func news(_ host: ProbeHost) -> [String] { host.log.filter { !$0.contains("bound") } }

  @Test func `three segments open a connection, bytes are acknowledged, FINs both ways close it (RFC 9293 §3.5, §3.6)`() {
    let pair = connected()
    pair.second.onArrival = { arrival, _, out in
      if case .ended(let id) = arrival { out.close(id) }
    }
    pair.simulation.run(until: milliseconds(50))
    write(pair, "hello")
    pair.simulation.run(until: milliseconds(100))
    pair.simulation.command(HostID(0)) { _, out in out.close(ConnectionID(2)) }
    pair.simulation.run(until: milliseconds(1000))
    #expect(news(pair.first) == ["0.020 opened", "0.070 drained", "0.120 closed orderly"])
    #expect(news(pair.second) == ["0.030 accepted", "0.060 bytes hello", "0.110 ended", "0.130 closed orderly"])
    let flags = pair.sink.packets.filter { $0.host == HostID(0) && $0.direction == .sent }.compactMap { packet in
      if case .tcp(let segment) = packet.carrier { segment.flags } else { nil }
    }
    #expect(flags == [[.syn], [.ack], [.ack, .psh], [.fin, .ack], [.ack]])
  }

  @Test func `sequence and acknowledgement numbers of a capture add up (RFC 9293 §3.4)`() {
    let pair = connected()
    pair.simulation.run(until: milliseconds(50))
    write(pair, String(repeating: "x", count: 4_000))
    pair.simulation.run(until: milliseconds(100))
    var next: UInt32?
    for packet in pair.sink.packets where packet.host == HostID(0) && packet.direction == .sent {
      guard case .tcp(let segment) = packet.carrier else { continue }
      if let next { #expect(segment.sequence == next) }
      #expect(packet.payload.count <= 1_460)
      next = segment.sequence &+ UInt32(packet.payload.count) &+ (segment.flags.contains(.syn) ? 1 : 0)
    }
    guard case .tcp(let last)? = pair.sink.packets.last(where: { $0.host == HostID(0) && $0.direction == .received })?.carrier else {
      return
    }
    #expect(last.acknowledgement == next)
  }

  @Test func `a lost segment comes after 200 ms, those behind it wait (design 5)`() {
    let pair = connected(faults: [Fault("drop the INVITE", subject: .request("INVITE"), action: .drop)])
    pair.simulation.run(until: milliseconds(50))
    write(pair, "INVITE", Label(.request("INVITE")))
    write(pair, "BYE", Label(.request("BYE")))
    pair.simulation.run(until: milliseconds(1000))
    #expect(news(pair.second) == ["0.030 accepted", "0.260 bytes INVITE", "0.260 bytes BYE"])
  }

  @Test func `loss only delays a stream, whatever the seed`() {
    for seed in 1...20 as ClosedRange<UInt64> {
      let pair = connected(
        Impairment(delay: .milliseconds(10), jitter: .uniform(.milliseconds(15)), loss: .random(.percent(20))), seed: seed)
      var received = ""
      pair.second.onArrival = { arrival, _, _ in if case .bytes(_, let bytes) = arrival { received += bytes.text } }
      pair.first.onArrival = { arrival, _, out in
        guard case .opened(let id, local: _, remote: _) = arrival else { return }
        for index in 0..<50 { out.bytes(id, Bytes("\(index),"), .none) }
      }
      pair.simulation.run(until: milliseconds(120_000))
      #expect(received == (0..<50).map { "\($0)," }.joined(), "seed \(seed)")
    }
  }

  @Test func `a SYN that is lost leaves again after 1, 2 and 4 s, then the connection is refused (design 5)`() {
    let pair = connected(Impairment(loss: .always))
    pair.simulation.run(until: milliseconds(60_000))
    #expect(pair.sink.packets.map(\.at) == [0, 1_000, 3_000, 7_000].map(milliseconds))
    #expect(news(pair.first) == ["15.000 refused timedOut"])
  }

  @Test func `a port without listener refuses, an address of nobody is unreachable`() {
    let pair = Pair(link: Impairment(delay: .milliseconds(10)))
    pair.simulation.command(HostID(0)) { _, out in
      out.open(ConnectionID(2), to: TransportAddress(bob, port: 9))
      out.open(ConnectionID(4), to: TransportAddress(IPAddress(v4: 9), port: 9))
    }
    pair.simulation.run(until: milliseconds(1000))
    #expect(news(pair.first) == ["0.002 refused unreachable", "0.020 refused refused"])
  }

  @Test func `after FIN the other way stays open (RFC 9293 §3.6)`() {
    let pair = connected()
    pair.second.onArrival = { arrival, _, out in
      if case .ended(let id) = arrival {
        out.bytes(id, "late", .none)
        out.finish(id)
      }
    }
    pair.simulation.run(until: milliseconds(50))
    pair.simulation.command(HostID(0)) { _, out in out.finish(ConnectionID(2)) }
    pair.simulation.run(until: milliseconds(1000))
    #expect(news(pair.first) == ["0.020 opened", "0.070 bytes late", "0.070 ended", "0.070 closed orderly"])
  }

  @Test func `a reset ends both ends, and a fault can make one at a message`() {
    let pair = connected(faults: [Fault("reset at the INVITE", subject: .request("INVITE"), action: .reset)])
    pair.simulation.run(until: milliseconds(50))
    write(pair, "INVITE", Label(.request("INVITE")))
    pair.simulation.run(until: milliseconds(1000))
    #expect(news(pair.first).last == "0.050 closed reset")
    #expect(news(pair.second).last == "0.060 closed reset")
  }

  @Test func `what is written and closed in one breath arrives before the FIN (RFC 9293 §3.6)`() {
    let pair = Pair(link: Impairment(delay: .milliseconds(10)))
    pair.simulation.command(HostID(1)) { _, out in out.bind(PortID(2), TransportAddress(bob, port: 5060), .listener) }
    pair.first.onArrival = { arrival, _, out in
      guard case .opened(let id, local: _, remote: _) = arrival else { return }
      out.bytes(id, "hello", .none)
      out.close(id)
    }
    pair.second.onArrival = { arrival, _, out in if case .ended(let id) = arrival { out.close(id) } }
    pair.simulation.command(HostID(0)) { _, out in out.open(ConnectionID(2), to: TransportAddress(bob, port: 5060)) }
    pair.simulation.run(until: milliseconds(1000))
    #expect(news(pair.first) == ["0.020 opened", "0.040 closed orderly"])
    #expect(news(pair.second) == ["0.030 accepted", "0.030 bytes hello", "0.030 ended", "0.050 closed orderly"])
  }

  @Test func `a connection closed while it is opened is never heard of, its SYN-ACK meets RST (RFC 9293 §3.10.7.1)`() {
    let pair = connected()
    pair.simulation.command(HostID(0)) { _, out in
      out.bytes(ConnectionID(2), "too early", .none)
      out.close(ConnectionID(2))
    }
    pair.simulation.run(until: milliseconds(60_000))
    #expect(news(pair.first).isEmpty && news(pair.second).isEmpty)
    #expect(pair.sink.lines.filter { $0.contains("received") }.count == 3)
  }

  @Test func `a SYN-ACK that never comes through is a refusal, not a close`() {
    let pair = Pair(link: Impairment(delay: .milliseconds(10)))
    pair.simulation.setLink(from: HostID(1), to: HostID(0), Impairment(loss: .always))
    pair.simulation.command(HostID(1)) { _, out in out.bind(PortID(2), TransportAddress(bob, port: 5060), .listener) }
    pair.simulation.command(HostID(0)) { _, out in out.open(ConnectionID(2), to: TransportAddress(bob, port: 5060)) }
    pair.simulation.run(until: milliseconds(60_000))
    #expect(news(pair.first) == ["15.010 refused timedOut"])
    #expect(news(pair.second).isEmpty)
  }

  @Test func `a FIN that is lost comes again (design 5)`() {
    let pair = connected()
    pair.simulation.run(until: milliseconds(50))
    pair.simulation.setLink(from: HostID(0), to: HostID(1), Impairment(loss: .always))
    pair.simulation.command(HostID(0)) { _, out in out.finish(ConnectionID(2)) }
    pair.simulation.setLink(from: HostID(0), to: HostID(1), Impairment(delay: .milliseconds(10)))
    pair.simulation.run(until: milliseconds(1000))
    #expect(news(pair.second) == ["0.030 accepted", "0.260 ended"])
  }

  @Test func `what is sent to a host that has closed is refused by RST, and both hear the end once`() {
    let pair = connected()
    pair.simulation.run(until: milliseconds(50))
    pair.simulation.command(HostID(1)) { _, out in out.close(ConnectionID(1)) }
    pair.simulation.run(until: milliseconds(100))
    write(pair, "are you there?")
    pair.simulation.run(until: milliseconds(1000))
    #expect(news(pair.first) == ["0.020 opened", "0.060 ended", "0.120 closed reset"])
    #expect(news(pair.second) == ["0.030 accepted", "0.110 closed reset"])
  }

  @Test func `a host that resets hears of it after what it was doing`() {
    let pair = connected()
    pair.simulation.run(until: milliseconds(50))
    pair.simulation.command(HostID(0)) { _, out in out.close(ConnectionID(2), .reset) }
    pair.simulation.run(until: milliseconds(1000))
    #expect(news(pair.first) == ["0.020 opened", "0.050 closed reset"])
    #expect(news(pair.second) == ["0.030 accepted", "0.060 closed reset"])
  }

  @Test func `a writer gives up after eight attempts; the other side learns of it when it writes`() {
    let pair = connected()
    pair.simulation.run(until: milliseconds(50))
    pair.simulation.setLink(from: HostID(0), to: HostID(1), Impairment(loss: .always))
    write(pair, "hello")
    pair.simulation.run(until: milliseconds(60_000))
    #expect(news(pair.first) == ["0.020 opened", "51.050 closed timedOut"])
    #expect(news(pair.second) == ["0.030 accepted"])
    pair.simulation.setLink(from: HostID(0), to: HostID(1), Impairment(delay: .milliseconds(10)))
    pair.simulation.command(HostID(1)) { _, out in out.bytes(ConnectionID(1), "anyone?", .none) }
    pair.simulation.run(until: milliseconds(61_000))
    #expect(news(pair.second) == ["0.030 accepted", "60.020 closed reset"])
  }

  @Test func `two runs with one seed are equal packet for packet, another seed differs`() {
    func run(_ seed: UInt64) -> [String] {
      let pair = connected(
        Impairment(delay: .milliseconds(10), jitter: .uniform(.milliseconds(5)), loss: .random(.percent(10))), seed: seed)
      pair.simulation.run(until: milliseconds(2000))
      write(pair, String(repeating: "x", count: 20_000))
      pair.simulation.run(until: milliseconds(20_000))
      return pair.sink.lines
    }
    #expect(run(5) == run(5))
    #expect(run(5) != run(6))
  }
}
