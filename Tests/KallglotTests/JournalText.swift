import SansIO

extension HostEvent {
  /// The event's facts as the journal has them.
  var journalText: String {
    var json = JSONWriter()
    json.object(.compact) { writeFields(to: &$0) }
    return json.text
  }
}
