-- SPDX-License-Identifier: MIT
-- report: statistics of a few numbers, and tables that line up.
local report = {};

-- The value below which `share` (0 to 1) of the list lies, by nearest rank.
function report.quantile(list, share)
	local sorted = table.move(list, 1, #list, 1, {});
	table.sort(sorted);
	return sorted[math.max(1, math.ceil(#sorted * share))];
end

function report.median(list)
	return report.quantile(list, 0.5);
end

-- Repetitions { { field = number, ... }, ... } -> { field = median, ... }
function report.medians(repetitions)
	local medians = {};
	for field in pairs(repetitions[1]) do
		local values = {};
		for i, repetition in ipairs(repetitions) do
			values[i] = repetition[field];
		end
		medians[field] = report.median(values);
	end
	return medians;
end

local function widths_of(rows)
	local widths = {};
	for _, row in ipairs(rows) do
		for column, text in ipairs(row) do
			widths[column] = math.max(widths[column] or 0, #text);
		end
	end
	return widths;
end

-- Prints rows of texts below a header; the first column is set left, the others right.
function report.table(title, header, rows)
	local all = { header, table.unpack(rows) };
	local widths = widths_of(all);
	print("\n" .. title);
	for _, row in ipairs(all) do
		local cells = {};
		for column, width in ipairs(widths) do
			cells[column] = (column == 1 and "%-" .. width .. "s" or "%" .. width .. "s"):format(row[column] or "");
		end
		print("  " .. table.concat(cells, "  "));
	end
	io.stdout:flush();
end

-- "1.25": how a value stands to its peer's.
function report.ratio(value, peer)
	return peer > 0 and ("%.2f"):format(value / peer) or "-";
end

-- What a reader of the table should know; printed below it.
function report.note(text)
	print("  " .. text);
end

-- A figure that cannot be taken here, and why. Never silent.
function report.skip(name, reason)
	print(("\n%s: SKIPPED: %s"):format(name, reason));
end

return report;
