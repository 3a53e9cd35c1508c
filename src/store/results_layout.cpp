// Creates a results file: coordinates, variables, and what describes them.
#include <algorithm>
#include <limits>
#include <numeric>
#include <set>

#include "cotscale/base/error.hpp"
#include "cotscale/store/results_file.hpp"

namespace cotscale {
namespace {

class layout_writer {
 public:
  layout_writer(hdf5_file& file, file_description& description, const results_content& content)
      : file_(file), description_(description), content_(content), schema_(*content.schema) {}

  void write_coordinates() {
    for (const dimension& d : schema_.dimensions()) {
      require_group(d.group);
      std::visit([&](const auto& values) { coordinate(d, values); }, d.values);
    }
  }

  void create_variables() {
    for (const variable_slot& slot : schema_.slots()) create_payload(slot);
    cell_variable<std::int8_t>(dataset_role::record, "status", 0, "status of the cell");
    flags("status", {0, 1, 2, 3}, "pending done failed not_asked_for");
    const cell_record empty;
    for (const record_variable& v : record_variables()) {
      std::visit(
          [&](auto member) {
            cell_variable(dataset_role::record, std::string(v.name), empty.*member, v.long_name, v.units);
          },
          v.member);
    }
    cell_variable<std::uint64_t>(dataset_role::record, "checksum", 0, "XXH64 of the payload");
    cell_variable<std::uint64_t>(dataset_role::record_checksum, "record_checksum", 0, "XXH64 of the record");
    for (const fixed_variable& v : content_.fixed) create_fixed(v);
    write_statuses();
    write_identities();
  }

  void create_failures() {
    const std::string group(failures_group);
    require_group(group);
    const auto path = [&](const char* name) { return group + "/" + name; };
    const auto index = [](std::size_t length) {
      std::vector<std::int64_t> indices(length);
      std::iota(indices.begin(), indices.end(), 0);
      return indices;
    };
    coordinate({.name = "entry", .values = {}, .long_name = "entry of the table", .group = group},
               index(most_failures));
    coordinate({.name = "byte", .values = {}, .long_name = "byte of a message", .group = group}, index(failure_bytes));
    file_.set_attribute(
        group, "without_entry",
        std::string("number of failed cells (status 2) minus number of entries whose cells are failed"));
    const dimensions entries{{path("entry"), most_failures}};
    create<std::int64_t>(path("cell"), entries, -1, dataset_role::failure);
    describe(path("cell"), "row-major number of the cell that failed, -1 none", "1");
    create<std::uint8_t>(path("message"), {entries[0], {path("byte"), failure_bytes}}, 0, dataset_role::failure);
    describe(path("message"), "why it failed, UTF-8 filled up with zeros", "1");
    create<std::uint64_t>(path("checksum"), entries, 0, dataset_role::failure);
    describe(path("checksum"), "XXH64 of the entry", "1");
  }

  // Each in its place of `content`, one after the other; `offset` says where, or −1 of a file that is not kept.
  void create_inputs() {
    if (content_.inputs.empty()) return;
    const std::string group(inputs_group);
    require_group(group);
    std::vector<std::string> names, sums;
    std::vector<std::int64_t> bytes, offsets;
    std::vector<std::uint8_t> content;
    for (const input_file& input : content_.inputs) {
      names.push_back(input.name);
      sums.push_back(input.sha256);
      bytes.push_back(static_cast<std::int64_t>(input.bytes));
      offsets.push_back(input.contents.empty() ? -1 : static_cast<std::int64_t>(content.size()));
      content.insert(content.end(), input.contents.begin(), input.contents.end());
    }
    coordinate({.name = "file", .values = {}, .long_name = "name in the specification", .group = group}, names);
    const dimensions files{{group + "/file", names.size()}};
    const std::string sums_path = group + "/sha256";
    file_.create_strings(sums_path, {sums.size()}, sums);
    file_.attach_scale(sums_path, 0, files[0].first);
    file_.set_attribute(sums_path, "long_name", std::string("SHA-256 of the file"));
    description_.add_texts(sums_path, sums);
    create_with<std::int64_t>(group + "/bytes", files, bytes, "length of the file");
    create_with<std::int64_t>(group + "/offset", files, offsets, "first of its bytes in content, -1 not kept");
    if (content.empty()) return;
    coordinate({.name = "content", .values = {}, .long_name = "bytes of files, one after the other", .group = group},
               content);
  }

  void write_notes() {
    for (const group_note& note : content_.notes) {
      require_group(note.group);
      file_.set_attribute(note.group, note.name, note.text);
    }
  }

 private:
  // Paths of the coordinate variables of dimensions, and their lengths.
  using dimensions = std::vector<std::pair<std::string, std::uint64_t>>;

  void require_group(const std::string& group) {
    if (!group.empty() && groups_.insert(group).second) file_.create_group(group);
  }

  void add(const dimension& d, dimensions& to) const { to.emplace_back(d.path(), d.length()); }

  dimensions cell_dimensions() const {
    dimensions out;
    for (std::size_t i = 0; i < schema_.cell_dimensions(); ++i) add(schema_.dimensions()[i], out);
    return out;
  }

  template<class T>
  void create(const std::string& dataset, const dimensions& dims, T fill, dataset_role role) {
    extents shape;
    stored_dataset stored{.name = dataset, .type = type_name<T>(), .role = role};
    for (const auto& [path, length] : dims) {
      shape.push_back(length);
      stored.dimensions.emplace_back(path.substr(path.rfind('/') + 1), length);
    }
    file_.create_dataset<T>(dataset, shape, fill);
    for (unsigned i = 0; i < dims.size(); ++i) {
      if (dims[i].first != dataset) file_.attach_scale(dataset, i, dims[i].first);
    }
    description_.add_dataset(std::move(stored));
  }

  // A variable that a cell has one value of.
  template<class T>
  void cell_variable(dataset_role role, const std::string& dataset, T fill, std::string_view long_name,
                     std::string_view units = "1") {
    create<T>(dataset, cell_dimensions(), fill, role);
    describe(dataset, long_name, units);
  }

  void create_payload(const variable_slot& slot) {
    const variable& v = slot.declared;
    dimensions dims = cell_dimensions();
    for (const std::size_t i : slot.axes) add(schema_.dimensions()[i], dims);
    require_group(v.group);
    switch (v.type) {
      case value_type::f64:
        create(v.path(), dims, std::numeric_limits<double>::quiet_NaN(), dataset_role::payload);
        break;
      case value_type::f32:
        create(v.path(), dims, std::numeric_limits<float>::quiet_NaN(), dataset_role::payload);
        break;
      case value_type::i64:
        create(v.path(), dims, std::int64_t{-1}, dataset_role::payload);
        break;
      case value_type::i8:
        create(v.path(), dims, std::int8_t{-1}, dataset_role::payload);
        break;
    }
    describe(v.path(), v.long_name, v.units);
    if (v.meanings.empty()) return;
    std::vector<std::int8_t> values(static_cast<std::size_t>(std::count(v.meanings.begin(), v.meanings.end(), ' ')) +
                                    1);
    std::iota(values.begin(), values.end(), std::int8_t{-1});
    flags(v.path(), values, v.meanings);
  }

  void create_fixed(const fixed_variable& v) {
    dimensions dims;
    for (const std::string& axis : v.described.axes) {
      const auto& all = schema_.dimensions();
      const auto known = std::find_if(all.begin(), all.end(), [&](const dimension& d) { return d.name == axis; });
      expects(known != all.end(), "create_results: {} is over {}, which the file does not have", v.described.name,
              axis);
      add(*known, dims);
    }
    require_group(v.described.group);
    create_with<double>(v.described.path(), dims, v.values, v.described.long_name, v.described.units);
  }

  // A variable whose values are final.
  template<class T>
  void create_with(const std::string& dataset, const dimensions& dims, const std::vector<T>& values,
                   std::string_view long_name, std::string_view units = "1") {
    create<T>(dataset, dims, T{}, dataset_role::fixed);
    file_.write<T>(dataset, values);
    describe(dataset, long_name, units);
  }

  // Cells that are not asked for are final from the beginning.
  void write_statuses() {
    if (content_.asked.empty()) return;
    expects(content_.asked.size() == schema_.cell_count(), "create_results: {} cells, {} known to be asked for",
            schema_.cell_count(), content_.asked.size());
    std::vector<std::int8_t> status;
    std::vector<std::uint64_t> sums;
    for (const bool asked : content_.asked) {
      status.push_back(static_cast<std::int8_t>(asked ? cell_status::pending : cell_status::not_asked));
      sums.push_back(asked ? 0 : record_checksum(cell_status::not_asked, {}, 0));
    }
    file_.write<std::int8_t>("status", status);
    file_.write<std::uint64_t>("record_checksum", sums);
  }

  void write_identities() {
    std::vector<cell_identity> identities = content_.identities;
    identities.resize(schema_.cell_count());
    for (const auto& [name, part] :
         {std::pair{"identity_high", &cell_identity::high}, std::pair{"identity_low", &cell_identity::low}}) {
      std::vector<std::uint64_t> values;
      for (const cell_identity& identity : identities) values.push_back(identity.*part);
      create_with(name, cell_dimensions(), values,
                  "64 of the 128 bits of a hash of all that the cell's numbers depend on");
    }
  }

  void describe(const std::string& variable, std::string_view long_name, std::string_view units) {
    file_.set_attribute(variable, "long_name", std::string(long_name));
    file_.set_attribute(variable, "units", std::string(units));
  }

  void coordinate(const dimension& d, const std::vector<std::string>& values) {
    file_.create_strings(d.path(), {values.size()}, values);
    file_.make_scale(d.path());
    file_.set_attribute(d.path(), "long_name", d.long_name);
    description_.add_texts(d.path(), values);
  }

  template<class T>
  void coordinate(const dimension& d, const std::vector<T>& values) {
    create_with(d.path(), {{d.path(), values.size()}}, values, d.long_name);
    file_.make_scale(d.path());
  }

  void flags(const std::string& variable, const std::vector<std::int8_t>& values, const std::string& meanings) {
    file_.set_attribute(variable, "flag_values", values);
    file_.set_attribute(variable, "flag_meanings", meanings);
  }

  hdf5_file& file_;
  file_description& description_;
  const results_content& content_;
  const results_schema& schema_;
  std::set<std::string> groups_;
};

}  // namespace

std::uint64_t file_bytes(const results_schema& schema) {
  constexpr std::uint64_t failures = most_failures * (2 * sizeof(std::uint64_t) + failure_bytes);
  return schema.cell_count() * (schema.bytes_of_cell() + sizeof(cell_identity)) + failures;
}

std::set<std::string> names_of_the_store() {
  std::set<std::string> out{"status",       "checksum",    "record_checksum", "identity_high",
                            "identity_low", "config_toml", "provenance",      integrity_group};
  out.insert({std::string(failures_group), std::string(inputs_group)});
  for (const record_variable& v : record_variables()) out.emplace(v.name);
  return out;
}

void create_results(const std::string& path, const results_content& content, const std::string& config_toml,
                    const provenance& attributes) {
  std::uint64_t bytes = file_bytes(*content.schema);
  for (const fixed_variable& v : content.fixed) bytes += v.values.size() * sizeof(double);
  for (const input_file& input : content.inputs) bytes += input.contents.size();
  create_file(path, file_kind::results, bytes, attributes, config_toml,
              [&](hdf5_file& file, file_description& description) {
                layout_writer layout(file, description, content);
                layout.write_coordinates();
                layout.create_variables();
                layout.create_failures();
                layout.create_inputs();
                layout.write_notes();
              });
}

}  // namespace cotscale
