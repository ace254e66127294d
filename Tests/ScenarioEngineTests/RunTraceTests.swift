import SansIO
import ScenarioEngine
import Testing

@Suite struct RunTraceTests {
  private func packet(_ byte: UInt8, at milliseconds: Int64) -> PacketRecord {
    PacketRecord(
      at: Instant(nanoseconds: milliseconds * 1_000_000), host: HostID(0), frame: 1, direction: .sent, carrier: .udp,
      source: TransportAddress(.anyV4, port: 1), destination: TransportAddress(.anyV4, port: 2), payload: Bytes([byte]), label: Label(.none)
    )
  }

  private func trace(_ packets: [PacketRecord], steps: [String] = []) -> RunTrace {
    let tracer = RunTracer()
    tracer.hostAdded(HostID(0), name: "pbx")
    for packet in packets { tracer.packet(packet) }
    for step in steps { tracer.record(JournalRecord(at: .zero, host: HostID(0), .step(step))) }
    tracer.finish(at: Instant(nanoseconds: 1_000_000_000))
    return tracer.trace
  }

  @Test func `two runs are the same when their packets, times and steps are`() {
    let packets = [packet(1, at: 5), packet(2, at: 9)]
    #expect(trace(packets, steps: ["call"]) == trace(packets, steps: ["call"]))
    #expect(trace(packets).difference(from: trace(packets)) == nil)
  }

  @Test func `the first packet that differs is named, whether by its bytes, its time or its absence`() {
    let packets = [packet(1, at: 5), packet(2, at: 9), packet(3, at: 12)]
    func difference(_ others: [PacketRecord], steps: [String] = []) -> RunTrace.Difference? {
      trace(packets).difference(from: trace(others, steps: steps))
    }
    #expect(difference([packets[0], packet(7, at: 9), packets[2]])?.packet == 2)
    #expect(difference([packets[0], packet(2, at: 10), packets[2]])?.packet == 2)
    let shorter = difference([packets[0], packets[1]])
    #expect(shorter?.packet == 3 && shorter?.at == packets[2].at)
    #expect(difference(packets, steps: ["call"])?.packet == 4)
  }
}
